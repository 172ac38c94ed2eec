"""Watts of a busy cluster by component, at the boundary *node* (plus switches)."""

from __future__ import annotations

from footprint import equations
from footprint.catalog.assumptions import assumed
from footprint.errors import MissingFactError
from footprint.records import record
from footprint.results import Assumption, Quantity, total
from footprint.schema import Cluster


@record
class PowerPrediction:
    """Mean power of the whole cluster while it trains, by component [W].

    ``it_power_w`` is their sum, its node part held at the node's rated maximum; it may
    therefore be below the plain sum, and a warning says so.
    """

    accelerators: Quantity
    cpu: Quantity
    ram: Quantity
    other_node: Quantity
    network: Quantity
    it_power_w: Quantity
    assumptions: tuple[Assumption, ...]
    warnings: tuple[str, ...]


def predict_power(
    *,
    cluster: Cluster,
    busy_share: Quantity,
    accelerator_power_w: float | None = None,
    fed_share: Quantity | None = None,
) -> PowerPrediction:
    """Mean IT power of the cluster at a busy share of the step, by component [W].

    ``fed_share`` is the share of the time that steps fill; the rest goes by starved of work. Without
    it, all of it.
    ``accelerator_power_w`` is one board's mean power where the user knows it; the host is added.

    Raises
    ------
    MissingFactError
        If nobody published a power for the chip; the message names the options that supply one.
    """
    node, nodes = cluster.node, cluster.nodes
    board, host, rows = _board_and_host(cluster, busy_share, accelerator_power_w, fed_share)
    accelerators = board * cluster.count
    cpu, ram, other = (host * (part * nodes) for part in (node.cpu_w, node.ram_w, node.other_w))
    warnings: tuple[str, ...] = ()
    in_nodes = total([accelerators, cpu, ram, other])
    if node.max_w is not None:
        limit = node.max_w * nodes
        if in_nodes.mid > limit:
            warnings = (f"node power held at the rated maximum of {node.name}, {node.max_w:.0f} W a node",)
            accelerators, cpu, ram, other = (
                part * (limit / in_nodes.mid) for part in (accelerators, cpu, ram, other)
            )
        in_nodes = in_nodes.capped(limit)
    network, network_rows = _network(cluster, in_nodes)
    return PowerPrediction(
        accelerators=accelerators,
        cpu=cpu,
        ram=ram,
        other_node=other,
        network=network,
        it_power_w=total([in_nodes, network]),
        assumptions=(*rows, *network_rows),
        warnings=warnings,
    )


def _board_and_host(
    cluster: Cluster, busy_share: Quantity, given_w: float | None, fed_share: Quantity | None
) -> tuple[Quantity, Quantity, list[Assumption]]:
    """Mean power of one board [W], the factor on the node form's host watts [1], and the rows."""
    chip, node = cluster.accelerator, cluster.node
    host_row = _row(f"host power of {node.name}, a node", node.host_w, chip.id, "assumed")
    if given_w is not None:
        return Quantity(given_w), _host_factor(cluster), [host_row]
    if chip.measured_w is not None:
        # The measurement holds the host: its share is split off, so that the sum stays what was measured.
        low, high = chip.measured_low_w or chip.measured_w, chip.measured_high_w or chip.measured_w
        spread = Quantity.between(low / chip.measured_w, 1.0, high / chip.measured_w, "power_model")
        row = _row("accelerator power, host share included", chip.measured_w, chip.id, "measured")
        share_w = node.host_w / node.accelerators if node.host_in_measured_w else 0.0
        return spread * (chip.measured_w - share_w), spread * (1.0 if share_w else 0.0), [row]
    if chip.tdp_w is None:
        raise MissingFactError(
            f"nobody published a power for {chip.name}; give --accelerator-power-w "
            f"(one {chip.unit}, host added) or --it-power-w (whole cluster)"
        )
    busy, waiting, model = (
        assumed(f"power.{k}") for k in ("busy_over_tdp", "waiting_over_tdp", "model_error")
    )
    board: Quantity = equations.accelerator_power_w(chip.tdp_w, busy_share, busy.value, waiting.value)
    rows = [_row("power limit of one accelerator", chip.tdp_w, chip.id, "datasheet")]
    rows.append(_share("busy share of a step", busy_share))
    rows += [busy.row("--accelerator-power-w"), waiting.row("--accelerator-power-w"), host_row]
    if fed_share is not None:
        rows.append(_share("share of the time that steps fill", fed_share))
        idle = assumed("power.idle_over_tdp")
        board = equations.accelerator_power_w(
            chip.tdp_w, busy_share, busy.value, waiting.value, fed_share, idle.value
        )
        rows.append(idle.row("--accelerator-power-w"))
    board = board * Quantity.between(model.low, model.value, model.high, "power_model")
    return board, _host_factor(cluster), rows


def _host_factor(cluster: Cluster) -> Quantity:
    """A factor of median 1 that carries the host's interval, shared by its components [1]."""
    node = cluster.node
    if node.host_w == 0:
        return Quantity(1.0)
    return Quantity.between(node.host_low_w / node.host_w, 1.0, node.host_high_w / node.host_w, "host_power")


def _network(cluster: Cluster, in_nodes: Quantity) -> tuple[Quantity, tuple[Assumption, ...]]:
    """Power of the switches between nodes, none for one node or for chips measured with theirs [W]."""
    if cluster.nodes <= 1 or cluster.accelerator.measured_w is not None:
        return Quantity(0.0), ()
    bandwidth = cluster.node.network_byte_per_s
    if bandwidth is None:
        share = assumed("power.network_over_node")
        factor = Quantity.between(share.low, share.value, share.high, "network_power")
        return in_nodes.mid * factor, (share.row(),)
    per_byte = assumed("power.network_w_per_gbyte_per_s")
    factor = Quantity.between(per_byte.low, per_byte.value, per_byte.high, "network_power")
    return factor * (cluster.nodes * bandwidth / 1e9), (per_byte.row(),)


def _share(name: str, share: Quantity) -> Assumption:
    return Assumption(
        name=name, value=share.mid, unit="1", basis="derived", source="step-time model",
        option="--accelerator-power-w",
    )  # fmt: skip


def _row(name: str, value: float, chip: str, basis: str) -> Assumption:
    return Assumption(
        name=name,
        value=value,
        unit="W",
        basis=basis,
        source=f"profile {chip}",
        option="--accelerator-power-w",
    )
