"""The cluster of a request, what making it took, and whether a power that was given can be its."""

from __future__ import annotations

import math

from footprint import equations
from footprint.catalog.assumptions import assumed
from footprint.errors import FootprintError
from footprint.estimator.facts import Embodied
from footprint.estimator.request import EstimateRequest
from footprint.estimator.resolve.shared import Shared
from footprint.performance.peaks import beyond_gib
from footprint.results import Assumption, Quantity, chosen_row
from footprint.schema import Cluster

LEAST_SHARE_OF_LIMIT = 0.05
"""No accelerator idles below this share of its power limit [1]."""
MOST_TIMES_RATED = 3.0
"""A given power above this many times what the hardware can draw is a slip of units [1]."""


def cluster_of(request: EstimateRequest, shared: Shared) -> tuple[Cluster, list[str], tuple[Assumption, ...]]:
    """The cluster, the notices to print with it, and what is assumed of it.

    A plain name such as ``v100`` stands for the variant on which the model was trained, if it is one of
    those that have the name.
    """
    of_node = (request.accelerators_per_node, request.cooling, request.network_byte_per_s)
    usual, notices = shared.cluster(request.hw, None, *of_node)
    trained_on = shared.chip(request.model)
    if trained_on is None or trained_on == usual.accelerator.id:
        return usual, notices, ()
    cluster, notices = shared.cluster(request.hw, trained_on, *of_node)
    if cluster.accelerator.id != trained_on:
        return cluster, notices, ()
    why = f"of the variants that the plain name stands for, the one on which {request.model} was trained"
    return cluster, notices, (chosen_row("accelerator", trained_on, why, "--hw"),)


def embodied_of(request: EstimateRequest, cluster: Cluster) -> Embodied | None:
    """What making one accelerator and its share of a server took [kg]; None where nobody published it."""
    chip, node = cluster.accelerator, cluster.node
    if chip.embodied_low_kg is None or chip.embodied_high_kg is None:
        return None
    middle_kg = math.sqrt(chip.embodied_low_kg * chip.embodied_high_kg)
    rows = [
        _kg_row(
            "embodied CO2e of one accelerator", middle_kg, f"profile {chip.id}, middle of its published range"
        )
    ]
    server = Quantity(0.0)
    if node.embodied_kg is not None:
        share_kg = node.embodied_kg / node.accelerators
        server = share_kg * assumed("embodied.server_factor").quantity
        source = f"profile {chip.id}, node form {node.id}"
        rows.append(_kg_row("embodied CO2e of its share of the server", share_kg, source))
    known: dict[str, Quantity] = {}
    for name, given in (("lifetime_years", request.lifetime_years), ("utilisation", request.utilisation)):
        if given is not None:
            known[name] = Quantity(given)
            continue
        number = assumed(f"prices.{name}")
        rows.append(number.row("--" + name.replace("_", "-")))
        known[name] = number.quantity
    only_chips = "embodied CO2e counts the accelerators only: no figure for the server is known"
    return Embodied(
        kg_per_accelerator=Quantity.between(
            chip.embodied_low_kg, middle_kg, chip.embodied_high_kg, "embodied_accelerator"
        ),
        server_kg_per_accelerator=server,
        working_h=equations.working_h(**known),
        rows=tuple(rows),
        warnings=() if node.embodied_kg is not None else (only_chips,),
    )


def _kg_row(name: str, kg: float, source: str) -> Assumption:
    return Assumption(name=name, value=kg, unit="kg", basis="derived", source=source)


def require_sane_power(request: EstimateRequest, cluster: Cluster) -> None:
    """FootprintError where a given power cannot be this cluster's (a slip of kW for W, say)."""
    chip, node = cluster.accelerator, cluster.node
    board_w = chip.tdp_w or chip.measured_w
    if board_w is None or request.force:
        return
    given_w, insist = request.accelerator_power_w, "or insist with `force=True`"
    least_w, most_w = LEAST_SHARE_OF_LIMIT * board_w, MOST_TIMES_RATED * board_w
    if given_w is not None and given_w > most_w:
        raise FootprintError(
            f"`accelerator_power_w={given_w:g}` is more than {MOST_TIMES_RATED:g} times what one {chip.name} "
            f"draws ({board_w:g} W): give watts of one board, {insist}"
        )
    if given_w is not None and given_w < least_w:
        raise FootprintError(
            f"`accelerator_power_w={given_w:g}` is below what one {chip.name} draws idle "
            f"(about {least_w:.0f} W): give watts of one board, {insist}"
        )
    given_w, least_w = request.it_power_w, least_w * cluster.count
    rated_w = (node.max_w or 2 * node.accelerators * board_w + node.host_high_w) * max(1.0, cluster.nodes)
    if given_w is not None and given_w < least_w:
        raise FootprintError(
            f"`it_power_w={given_w:g}` is below what this cluster draws idle (about {least_w:.0f} W): give "
            f"watts of the whole cluster, {insist}"
        )
    if given_w is not None and given_w > MOST_TIMES_RATED * rated_w:
        raise FootprintError(
            f"`it_power_w={given_w:g}` is more than {MOST_TIMES_RATED:g} times what this cluster can draw "
            f"({rated_w:.0f} W): give watts of the whole cluster, {insist}"
        )


def require_sane_memory(request: EstimateRequest, cluster: Cluster) -> None:
    """FootprintError where a measured peak cannot be that of one accelerator of this cluster."""
    measured, chip = request.memory_gib, cluster.accelerator
    if measured is None or chip.kind == "cpu":
        return
    if measured > chip.memory_gib:
        several = f"a sum over the {cluster.count:,} accelerators, " if cluster.count > 1 else ""
        raise FootprintError(
            f"`memory_gib={measured:g}` is above the {chip.memory_gib:g} GiB of one {chip.name}: is it "
            f"{several}what a setting reserves, or in MiB or GB (10^9 bytes)? Give the peak of one "
            f"{chip.unit} in GiB (2^30 bytes)"
        )
    beyond = beyond_gib(request.memory_scope)
    if measured <= beyond:
        raise FootprintError(
            f"`memory_gib={measured:g}` is not above the {beyond:.3g} GiB that a process holds beside its "
            f"tensors (`memory_scope={request.memory_scope}`): give the peak of one {chip.unit} in GiB "
            "(2^30 bytes)"
        )
