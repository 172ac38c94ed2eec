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
from footprint.results import Assumption, Quantity
from footprint.schema import Cluster

LEAST_WATTS_OF_BOARD = 0.05
"""No accelerator idles below this share of its TDP."""
MOST_WATTS_OVER_RATED = 3.0
"""A given power above this many times the cluster's modelled one is a slip of units."""


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
    row = Assumption(
        name="accelerator", value=trained_on, unit="", basis="assumed", source=why, option="--hw"
    )
    return cluster, notices, (row,)


def embodied_of(request: EstimateRequest, cluster: Cluster) -> Embodied | None:
    """What making one accelerator and its share of a server took [kg]; None where nobody published it."""
    chip, node = cluster.accelerator, cluster.node
    if chip.embodied_low_kg is None or chip.embodied_high_kg is None:
        return None
    middle = math.sqrt(chip.embodied_low_kg * chip.embodied_high_kg)
    rows = [
        _kg_row(
            "embodied CO2e of one accelerator", middle, f"profile {chip.id}, middle of its published range"
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
            chip.embodied_low_kg, middle, chip.embodied_high_kg, "embodied_accelerator"
        ),
        server_kg_per_accelerator=server,
        working_h=equations.working_h(**known),
        rows=tuple(rows),
        warnings=() if node.embodied_kg is not None else (only_chips,),
    )


def _kg_row(name: str, value: float, source: str) -> Assumption:
    return Assumption(name=name, value=value, unit="kg", basis="derived", source=source)


def require_sane_power(request: EstimateRequest, cluster: Cluster) -> None:
    """FootprintError where a given power cannot be this cluster's (a slip of kW for W, say)."""
    chip = cluster.accelerator
    board = chip.tdp_w or chip.measured_w
    if board is None or request.force:
        return
    if (
        request.accelerator_power_w is not None
        and request.accelerator_power_w > MOST_WATTS_OVER_RATED * board
    ):
        raise FootprintError(
            f"`accelerator_power_w={request.accelerator_power_w:g}` is more than {MOST_WATTS_OVER_RATED:g} "
            f"times what one {chip.name} draws ({board:g} W): give watts of one board, or insist with "
            "`force=True`"
        )
    rated = cluster.node.max_w or 2 * cluster.node.accelerators * board + cluster.node.host_high_w
    rated *= max(1.0, cluster.nodes)
    lowest = LEAST_WATTS_OF_BOARD * board
    if request.accelerator_power_w is not None and request.accelerator_power_w < lowest:
        raise FootprintError(
            f"`accelerator_power_w={request.accelerator_power_w:g}` is below what one {chip.name} draws idle "
            f"(about {lowest:.0f} W): give watts of one board, or insist with `force=True`"
        )
    if request.it_power_w is not None and request.it_power_w < lowest * cluster.count:
        raise FootprintError(
            f"`it_power_w={request.it_power_w:g}` is below what this cluster draws idle (about "
            f"{lowest * cluster.count:.0f} W): give watts of the whole cluster, or insist with `force=True`"
        )
    if request.it_power_w is not None and request.it_power_w > MOST_WATTS_OVER_RATED * rated:
        raise FootprintError(
            f"`it_power_w={request.it_power_w:g}` is more than {MOST_WATTS_OVER_RATED:g} times what this "
            f"cluster can draw ({rated:.0f} W): give watts of the whole cluster, or insist with `force=True`"
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
