"""Finds the hardware profile of a job's GPUs, and their number in the profile's unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from footprint.catalog.hardware import find_accelerator, is_path, known_names, parse_cluster
from footprint.catalog.names import nearest
from footprint.errors import FootprintError, UnknownNameError
from footprint.integrations.slurm.jobs import Job, shown
from footprint.records import field, record, replace
from footprint.schema import Cluster


@record
class Hardware:
    """The values of ``--hw``: a chip for every job, and chips for Slurm's type names."""

    chip: str | None = None
    per_node: int | None = None
    """Accelerators per node, for jobs without GPUs in their records."""
    by_type: Mapping[str, str] = field(default_factory=dict)
    accelerators_per_node: int | None = None


@record
class Part:
    """The accelerators of one kind in a job; most jobs have one kind."""

    hw: str
    cluster: Cluster
    accelerators_per_node: int | None
    notes: tuple[str, ...]


def make_hardware(values: Sequence[str], accelerators_per_node: int | None = None) -> Hardware:
    """Parsed values of ``--hw``: ``CHIP``, ``CHIP:N`` (N per node) or ``TYPE=CHIP``.

    Raises FootprintError for an unknown chip, or two chips for the same jobs.
    """
    chip: str | None = None
    per_node: int | None = None
    by_type: dict[str, str] = {}
    for value in values:
        kind, sign, name = value.rpartition("=")
        if sign:
            find_accelerator(name)
            by_type[kind.strip().lower()] = name.strip()
            continue
        if chip is not None:
            raise FootprintError(
                f"`hw={chip}` and `hw={value}` contradict: for several types write `hw=TYPE=CHIP`"
            )
        chip, per_node = _chip_and_count(value)
    return Hardware(
        chip=chip, per_node=per_node, by_type=by_type, accelerators_per_node=accelerators_per_node
    )


def _chip_and_count(value: str) -> tuple[str, int | None]:
    """``v100`` -> (v100, None); ``epyc-7742:2`` -> (epyc-7742, 2)."""
    try:
        find_accelerator(value)
    except UnknownNameError:
        cluster, _ = parse_cluster(value)
        head, colon, _ = value.rpartition(":")
        return (head if colon else cluster.accelerator.id), cluster.count
    return value.strip(), None


def parts_of(job: Job, hardware: Hardware) -> tuple[Part, ...]:
    """The accelerators of a job, one part per kind.

    Raises FootprintError if Slurm's record lacks their type or number; the message names the option to use.
    """
    if job.slices:
        raise FootprintError(
            f"parts of GPUs ({', '.join(job.slices[:3])}) have no profile: what share of a board "
            "they are is not known"
        )
    if not job.devices:
        return (_from_option(job, hardware),)
    counts: dict[str, int] = {}
    names: dict[str, str] = {}  # several of Slurm's names may mean one chip
    notes: list[str] = []
    for kind, count in job.devices.items():
        chip = _chip_of(kind, job, hardware)
        found = find_accelerator(chip).id
        names.setdefault(found, chip)
        counts[found] = counts.get(found, 0) + count
        notes += _overruled(kind, chip)
    parts = [
        _part(job, names[found], count, hardware, alone=len(counts) == 1) for found, count in counts.items()
    ]
    return (replace(parts[0], notes=(*notes, *parts[0].notes)), *parts[1:])


def _overruled(kind: str, chip: str) -> list[str]:
    """A note if --hw replaces a recorded type that is itself the name of a chip."""
    own = _own_profile(kind)
    if own is None or own == find_accelerator(chip).id:
        return []
    return [f"`hw={chip}` takes the place of {shown(kind)}, which Slurm recorded"]


def _chip_of(kind: str, job: Job, hardware: Hardware) -> str:
    if kind.lower() in hardware.by_type:
        return hardware.by_type[kind.lower()]
    if hardware.chip is not None:
        return hardware.chip
    if not kind:
        raise FootprintError(
            f"Slurm keeps no type of its {job.device_count} GPUs (gres/gpu={job.device_count}): say "
            "which with `hw=`, such as `hw=v100`"
        )
    if _own_profile(kind) is None:
        near = nearest(kind[:80], known_names())
        raise FootprintError(
            f"no hardware profile is named {shown(kind)!r}"
            + (f" (near it: {', '.join(near)})" if near else "")
            + f": say which it is with `hw={shown(kind)}=CHIP`"
        )
    return kind


def _own_profile(kind: str) -> str | None:
    """Id of the profile that a type name of Slurm means; a type name is never read as a path."""
    if not kind or is_path(kind):
        return None
    try:
        return find_accelerator(kind).id
    except FootprintError:
        return None


def _from_option(job: Job, hardware: Hardware) -> Part:
    """The part of a job without GPUs in its record, from the number per node in --hw."""
    if hardware.chip is None or hardware.per_node is None:
        kind = "" if hardware.chip is None else find_accelerator(hardware.chip).kind
        example = f"{hardware.chip}:2" if hardware.chip else "epyc-7742:2"
        what = "sockets" if kind in ("", "cpu") else "accelerators"
        raise FootprintError(
            f"no GPUs in its record: say which processors and how many {what} each node gave it, such as "
            f"`hw={example}` (footprint hardware list)"
        )
    return _part(job, hardware.chip, hardware.per_node * (job.nodes or 1), hardware, alone=True)


def _part(job: Job, chip: str, devices: int, hardware: Hardware, *, alone: bool) -> Part:
    profile = find_accelerator(chip)
    notes: list[str] = []
    count = devices
    if profile.devices_per_unit > 1 and job.devices:
        count = math.ceil(devices / profile.devices_per_unit)
        notes.append(
            f"{devices} devices are {count} {profile.unit}s of {profile.id}, "
            f"{profile.devices_per_unit} devices each"
        )
    per_node = hardware.accelerators_per_node
    nodes = job.nodes or 1
    if per_node is None and alone and nodes > 1 and count % nodes == 0:
        per_node = count // nodes
    hw = f"{chip}:{count}"
    cluster, _ = parse_cluster(hw, accelerators_per_node=per_node)
    return Part(hw=hw, cluster=cluster, accelerators_per_node=per_node, notes=tuple(notes))
