"""Energy of one node by component, over every process that read it."""

from __future__ import annotations

from collections import defaultdict

from footprint.records import state
from footprint.tracking.totals.energy_series import overlap_s, own_share_kwh, union_kwh
from footprint.tracking.totals.process_totals import ProcessTotals

HOST_COMPONENTS = ("cpu", "ram", "node")
APART_S = 1.0
"""Processes of a node begin and end within about so long of each other."""
MOST_LOOKS = 64
"""How many beginnings and ends of other runs are looked up in a long journal; the rest is interpolated."""
MOSTLY_OURS, LEAST_OTHER_CORES = 0.8, 0.5
"""Below this share of the busy processor time, and from so many cores of others on, it is worth saying."""


@state
class ComponentTotal:
    """Energy of one component over nodes and segments."""

    kwh: float = 0.0
    seen_s: float = 0.0
    """Node-seconds that the readings cover."""
    unseen_s: float = 0.0
    stood_in_s: float = 0.0
    """Of the seconds covered, those for which a reading after a run's end stands."""
    how: str = "absent"
    source: str = ""


def add_host(
    components: dict[str, ComponentTotal],
    here: list[ProcessTotals],
    others: list[ProcessTotals],
    warnings: list[str],
) -> tuple[float, float]:
    """Processor, memory or whole-node energy of one node, shared with other runs by processor time.

    Gives this run's part and the whole of what was divided [kWh], the measure for whatever else
    of the node is shared.
    """
    own_kwh = whole_kwh = 0.0
    for name in HOST_COMPONENTS:
        readers = [process for process in here if len(process.kwh.get(name, ())) > 1]
        if not readers:
            _note_absent(components, name, here)
            continue
        total = components.setdefault(name, ComponentTotal())
        total.how, total.source = readers[0].channels.get(name, ("modelled", "unknown"))
        kwh = everything_kwh = union_kwh([process.kwh[name] for process in readers])
        neighbours = [o for o in others if o.cpu_s and overlap_s(readers[0].kwh[name], o.cpu_s) > 0]
        if neighbours and len(readers) == 1:
            ends = [moment for other in neighbours for moment in (other.cpu_s[0][0], other.cpu_s[-1][0])]
            readers[0].look_closer(ends[:MOST_LOOKS])
            kwh, shared_s = own_share_kwh(
                readers[0].kwh[name], readers[0].cpu_s, [other.cpu_s for other in neighbours]
            )
            if shared_s > 0:
                names = ", ".join(sorted({other.run_id for other in neighbours}))
                warnings.append(
                    f"{name} of {here[0].host} was shared with {names} for {shared_s:.0f} s: "
                    "its energy is divided by processor time"
                )
        elif name == "cpu" and (note := _others_note(readers[0])):
            warnings.append(f"{name} of {here[0].host}: {note}")
        total.kwh += kwh
        own_kwh, whole_kwh = own_kwh + kwh, whole_kwh + everything_kwh
        _cover(total, name, readers, here)
    return own_kwh, whole_kwh


def _others_note(reader: ProcessTotals) -> str:
    """What programs that nobody tracked had of the processor, where it is much; the reading holds them."""
    share, own_s = reader.busy_share, reader.cpu_s[-1][1] if reader.cpu_s else 0.0
    if not share or share > MOSTLY_OURS or (own_s / share - own_s) < LEAST_OTHER_CORES * reader.run_s:
        return ""
    return f"other programs had {1 - share:.0%} of the busy processor time; their energy is in the reading"


def _note_absent(components: dict[str, ComponentTotal], name: str, here: list[ProcessTotals]) -> None:
    for process in here:
        if name in process.channels:
            how, source = process.channels[name]
            total = components.setdefault(name, ComponentTotal(how=how, source=source))
            total.unseen_s += process.run_s


def _cover(total: ComponentTotal, name: str, readers: list[ProcessTotals], here: list[ProcessTotals]) -> None:
    """What the readers saw of the time that the node worked for the run."""
    run_s = unseen_s = stood_in_s = 0.0
    for group in _together(readers):
        run_s += max(process.run_s for process in group)
        unseen_s += min(process.unseen_s.get(name, 0.0) for process in group)
        stood_in_s += min(process.stood_in_s.get(name, 0.0) for process in group)
    worked = [(min(p.started_s for p in group), max(p.last_s for p in group)) for group in _together(here)]
    span_s = sum(end - begin for begin, end in worked) - max(p.suspended_s for p in here)
    if span_s - run_s > APART_S:  # the reader was killed, or came late, and others worked on
        unseen_s, run_s = unseen_s + span_s - run_s, span_s
    total.unseen_s += unseen_s
    total.seen_s += max(0.0, run_s - unseen_s)
    total.stood_in_s += stood_in_s


def _together(processes: list[ProcessTotals]) -> list[list[ProcessTotals]]:
    """Processes whose times meet, a group each; between two groups nothing ran."""
    groups: list[list[ProcessTotals]] = []
    until_s = -1.0
    for process in sorted(processes, key=lambda process: process.started_s):
        if groups and process.started_s <= until_s:
            groups[-1].append(process)
        else:
            groups.append([process])
        until_s = max(until_s, process.last_s)
    return groups


def add_accelerators(
    components: dict[str, ComponentTotal],
    here: list[ProcessTotals],
    others: list[ProcessTotals],
    warnings: list[str],
) -> None:
    """Board energy of one node, by device where it is known, so that two readers count once.

    A board that another run read at the same time is divided equally between the runs.
    """
    name = "accelerators"
    readers = [process for process in here if len(process.kwh.get(name, ())) > 1]
    if not readers:
        _note_absent(components, name, here)
        return
    total = components.setdefault(name, ComponentTotal())
    total.how, total.source = readers[0].channels.get(name, ("measured", "unknown"))
    charged = _charged_devices(here)
    by_device: dict[str, list[list[tuple[float, float]]]] = defaultdict(list)
    for process in readers:
        accepted, told = process.kwh[name][-1][1], sum(s[-1][1] for s in process.device_kwh.values())
        if told <= 0:
            by_device[f"all boards read by {process.rank}"].append(process.kwh[name])
            continue
        scale = accepted / told  # refused readings are in the devices' own counters still
        for device, series in process.device_kwh.items():
            if not charged or device in charged:
                by_device[device].append([(moment, kwh * scale) for moment, kwh in series])
    for device, group in by_device.items():
        kwh = union_kwh(group)
        spans = _spans_of(device, others)
        if spans and len(group) == 1:
            kwh, shared_s = own_share_kwh(group[0], [], spans)
            if shared_s > 0:
                warnings.append(
                    f"board {device} of {here[0].host} was used by another run as well for {shared_s:.0f} s: "
                    "its energy is divided equally"
                )
        total.kwh += kwh
    _cover(total, name, readers, here)


def _spans_of(device: str, others: list[ProcessTotals]) -> list[list[tuple[float, float]]]:
    """When each other run used a board, a run a span."""
    spans: dict[str, tuple[float, float]] = {}
    for other in others:
        series = other.device_kwh.get(device, ())
        if len(series) > 1 and (not other.used or device in other.used):
            begin, end = spans.get(other.run_id, (series[0][0], series[-1][0]))
            spans[other.run_id] = (min(begin, series[0][0]), max(end, series[-1][0]))
    return [[(begin, 0.0), (end, 0.0)] for begin, end in spans.values()]


def _charged_devices(here: list[ProcessTotals]) -> set[str]:
    """Devices that any rank of the node used; empty means that nobody could tell."""
    return {device for process in here for device in process.used}


def count_devices(processes: list[ProcessTotals]) -> tuple[int, int, float]:
    """Devices used, devices allocated, and the energy of those never used [kWh]."""
    used, allocated, idle_kwh = set(), set(), 0.0
    for process in processes:
        used |= {(process.boot_id, device) for device in process.used}
        allocated |= {(process.boot_id, device) for device in process.device_kwh}
        allocated |= {(process.boot_id, device) for device in process.devices}
    for boot, device in allocated - used if used else ():
        group = [p.device_kwh[device] for p in processes if p.boot_id == boot and device in p.device_kwh]
        idle_kwh += union_kwh(group)
    return len(used), len(allocated), idle_kwh
