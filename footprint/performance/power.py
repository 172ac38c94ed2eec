"""Power of a busy cluster by component [W], at the boundary *node* plus network switches.

`power_factors` looks up the data of boards and hosts. `cluster_power` computes from these factors
alone, with plain numbers or arrays.
"""

from __future__ import annotations

from math import inf
from typing import Any

from footprint import equations
from footprint.arithmetic import Number, is_array, where
from footprint.catalog.assumptions import assumed
from footprint.errors import MissingFactError
from footprint.records import record
from footprint.results import Assumption, Quantity, total
from footprint.results.link import UNTRACED, Trace
from footprint.schema import Cluster

CAUSE = "power_model"
SUM = "accelerators + host + network, held at the node's rated maximum"
_OPTION = "--accelerator-power-w"


@record
class PowerFactors:
    """The power data of a cluster's boards, hosts and switches."""

    board_w: Number
    """Power limit of one board, or its mean power where that was measured or given."""
    busy_over_board: float
    waiting_over_board: float
    idle_over_board: float
    """Shares of ``board_w`` that a busy, a waiting and an idle board draws; all 1 where the mean is known."""
    board_model: Quantity
    """A factor of median 1 with the error of the power model."""
    cpu_w: Number
    ram_w: Number
    other_w: Number
    """Power of one node's host by component."""
    host_model: Quantity
    """A factor of median 1 with the host's interval."""
    node_limit_w: Number
    """Rated maximum of one node; infinite where none is known."""
    network_over_nodes: Quantity
    """Power of the switches as a share of the power of all nodes; 0 where ``network_w`` is used."""
    network_w: Quantity
    """Power of the switches, derived from the nodes' bandwidth; 0 where ``network_over_nodes`` is used."""
    depends_on_work: bool
    """Whether the power depends on the busy share."""
    board_rows: tuple[Assumption, ...] = ()
    busy_rows: tuple[Assumption, ...] = ()
    idle_rows: tuple[Assumption, ...] = ()
    network_rows: tuple[Assumption, ...] = ()


@record
class PowerPrediction:
    """Mean power of the whole cluster while it trains, by component [W].

    ``it_power_w`` is their sum. The power of the nodes is capped at their rated maximum; the components
    are scaled down by the same factor.
    """

    accelerators: Quantity
    cpu: Quantity
    ram: Quantity
    other_node: Quantity
    network: Quantity
    it_power_w: Quantity
    held: bool
    """Whether the rated maximum capped the power."""


def predict_power(
    *,
    cluster: Cluster,
    busy_share: Quantity,
    accelerator_power_w: float | None = None,
    fed_share: Quantity | None = None,
) -> PowerPrediction:
    """Mean IT power of the cluster at a busy share of the step, by component [W].

    Raises
    ------
    MissingFactError
        If no power is published for the chip; the message names the options that supply one.
    """
    return cluster_power(power_factors(cluster, accelerator_power_w), cluster, busy_share, fed_share)


def cluster_power(
    factors: PowerFactors,
    cluster: Cluster,
    busy_share: Quantity,
    fed_share: Quantity | None = None,
    trace: Trace = UNTRACED,
) -> PowerPrediction:
    """Mean IT power of the cluster, by component [W].

    ``busy_share`` is the share of a step in which a board is busy. ``fed_share`` is the share of the
    time that steps fill; None means 1.
    """
    return with_hosts(_board_w(factors, busy_share, fed_share, trace), factors, cluster, trace)


def with_hosts(
    board: Quantity, factors: PowerFactors, cluster: Cluster, trace: Trace = UNTRACED
) -> PowerPrediction:
    """Mean IT power of the cluster from that of one board, before the factor for the model's error [W]."""
    nodes = cluster.nodes
    accelerators = board * factors.board_model * cluster.count
    host = factors.host_model
    cpu, ram, other = (host * (part * nodes) for part in (factors.cpu_w, factors.ram_w, factors.other_w))
    uncapped = total([accelerators, cpu, ram, other])
    node_power = uncapped.capped(factors.node_limit_w * nodes)
    cap_factor = node_power.mid / uncapped.mid
    accelerators, cpu, ram, other = (part * cap_factor for part in (accelerators, cpu, ram, other))
    network = total([node_power.mid * factors.network_over_nodes, factors.network_w])
    it_power = total([node_power, network])
    parts = {"accelerators": accelerators, "cpu": cpu, "ram": ram, "other_node": other, "network": network}
    trace.note("it_power_w", SUM, {f"{name}_w": part for name, part in parts.items()}, it_power)
    return PowerPrediction(**parts, it_power_w=it_power, held=cap_factor < 1.0)


def _board_w(
    factors: PowerFactors, busy_share: Quantity, fed_share: Quantity | None, trace: Trace
) -> Quantity:
    """Mean power of one board before the factor for the model's error [W]."""
    if not factors.depends_on_work:
        return Quantity(factors.board_w)
    board: Quantity = trace(
        "in_step_w", equations.in_step_power_w, tdp_w=factors.board_w, busy_share=busy_share,
        busy_over_tdp=factors.busy_over_board, waiting_over_tdp=factors.waiting_over_board,
    )  # fmt: skip
    if fed_share is not None:
        board = trace(
            "accelerator_power_w", equations.fed_power_w, in_step_w=board,
            idle_w=factors.board_w * factors.idle_over_board, fed_share=fed_share,
        )  # fmt: skip
    return board


# ---------------------------------------------------------------------------- look up


def power_factors(cluster: Cluster, accelerator_power_w: float | None = None) -> PowerFactors:
    """The power data of a cluster, looked up.

    ``accelerator_power_w`` is one board's mean power where the user knows it; the host is added.

    Raises
    ------
    MissingFactError
        If no power is published for the chip; the message names the options that supply one.
    """
    chip, node = cluster.accelerator, cluster.node
    host_row = _row(f"host power of {node.name}, a node", node.host_w, chip.id, "assumed")
    network_over_nodes, network_w, network_rows = _network(cluster)
    boards: dict[str, Any]
    host, share_w = _host_model(cluster), 1.0
    if accelerator_power_w is not None:
        boards = _known(accelerator_power_w, Quantity(1.0), host_row)
    elif chip.measured_w is not None:
        # The measurement includes the host. The host's part is subtracted, so that the sum stays as measured.
        low, high = chip.measured_low_w or chip.measured_w, chip.measured_high_w or chip.measured_w
        spread = Quantity.between(low / chip.measured_w, 1.0, high / chip.measured_w, CAUSE)
        inside_w = node.host_w / node.accelerators if node.host_in_measured_w else 0.0
        cite = chip.cite.get("measured_w")
        basis = "assumed" if cite is not None and cite.basis == "assumed" else "measured"
        row = _row("accelerator power, host share included", chip.measured_w, chip.id, basis)
        boards = _known(chip.measured_w - inside_w, spread, row)
        host, share_w = spread, 1.0 if inside_w else 0.0
    elif chip.tdp_w is not None:
        boards = _modelled(chip.tdp_w, chip.id, host_row)
    else:
        raise MissingFactError(
            f"nobody published a power for {chip.name}; give `accelerator_power_w=` "
            f"(one {chip.unit}, host added) or `it_power_w=` (whole cluster)"
        )
    return PowerFactors(
        **boards,
        cpu_w=node.cpu_w * share_w,
        ram_w=node.ram_w * share_w,
        other_w=node.other_w * share_w,
        host_model=host,
        node_limit_w=inf if node.max_w is None else node.max_w,
        network_over_nodes=network_over_nodes,
        network_w=network_w,
        network_rows=network_rows,
    )


def _known(board_w: float, model: Quantity, row: Assumption) -> dict[str, Any]:
    """The board factors where the mean power of a board is known."""
    return {
        "board_w": board_w, "busy_over_board": 1.0, "waiting_over_board": 1.0, "idle_over_board": 1.0,
        "board_model": model, "depends_on_work": False, "board_rows": (row,),
    }  # fmt: skip


def _modelled(tdp_w: float, chip: str, host_row: Assumption) -> dict[str, Any]:
    """The board factors where only the power limit of a board is known."""
    busy, waiting, idle, model = (
        assumed(f"power.{name}")
        for name in ("busy_over_tdp", "waiting_over_tdp", "idle_over_tdp", "model_error")
    )
    return {
        "board_w": tdp_w,
        "busy_over_board": busy.value,
        "waiting_over_board": waiting.value,
        "idle_over_board": idle.value,
        "board_model": Quantity.between(model.low, model.value, model.high, CAUSE),
        "depends_on_work": True,
        "board_rows": (_row("power limit of one accelerator", tdp_w, chip, "datasheet"),),
        "busy_rows": (busy.row(_OPTION), waiting.row(_OPTION), host_row),
        "idle_rows": (idle.row(_OPTION),),
    }


def _host_model(cluster: Cluster) -> Quantity:
    """A factor of median 1 that carries the host's interval, shared by its components [1]."""
    node = cluster.node
    if node.host_w == 0:
        return Quantity(1.0)
    return Quantity.between(node.host_low_w / node.host_w, 1.0, node.host_high_w / node.host_w, "host_power")


def _network(cluster: Cluster) -> tuple[Quantity, Quantity, tuple[Assumption, ...]]:
    """Power of the switches as a share of the nodes' power [1] and from the nodes' bandwidth [W]; one is 0.

    Both are 0 for one node, and for chips whose measured power includes the switches.
    """
    nothing = Quantity(0.0)
    several = where(cluster.nodes > 1, 1.0, 0.0)
    if cluster.accelerator.measured_w is not None or (not is_array(several) and not several):
        return nothing, nothing, ()
    bandwidth = cluster.node.network_byte_per_s
    if bandwidth is None:
        share = assumed("power.network_over_node")
        factor = Quantity.between(share.low, share.value, share.high, "network_power")
        return factor * several, nothing, (share.row(),)
    per_byte = assumed("power.network_w_per_gbyte_per_s")
    factor = Quantity.between(per_byte.low, per_byte.value, per_byte.high, "network_power")
    return nothing, factor * (several * cluster.nodes * bandwidth / 1e9), (per_byte.row(),)


def share_row(name: str, share: Quantity) -> Assumption:
    """The assumption row of a share that the step-time model predicted."""
    return Assumption(
        name=name, value=share.mid, unit="1", basis="derived", source="step-time model", option=_OPTION
    )


def _row(name: str, value: float, chip: str, basis: str) -> Assumption:
    return Assumption(name=name, value=value, unit="W", basis=basis, source=f"profile {chip}", option=_OPTION)
