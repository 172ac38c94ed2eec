"""Which accelerators this process may use, and which of them it does use.

NVIDIA's rules for ``CUDA_VISIBLE_DEVICES`` (CUDA C++ Programming Guide, "CUDA Environment
Variables"): a list of indices, UUID prefixes or MIG identifiers; the first one that names no
device hides itself and everything after it; an empty list or ``-1`` hides all.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from footprint.records import record

HIDES_ALL = ("", "-1", "none", "void", "nodevfiles")
"""Values of ``CUDA_VISIBLE_DEVICES`` that hide every board."""


@record
class Device:
    """One board as the driver names it."""

    index: int
    uuid: str
    name: str
    mig: bool = False
    """Only a MIG slice of the board is ours, but power is known for the whole board alone."""


@record
class Visible:
    """The boards this process may use, and what is odd about them."""

    devices: tuple[Device, ...] = ()
    on_node: int = 0
    """Boards in the node, visible or not."""
    problems: tuple[str, ...] = ()


def load_nvml() -> Any | None:
    """NVIDIA's management library, initialised; None where there is no driver."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the old package of that name announces the new one
            import pynvml  # type: ignore[import-untyped]

        pynvml.nvmlInit()
    except Exception:  # noqa: BLE001 - a missing package, driver or permission all mean no NVML
        return None
    return pynvml


def visible_devices(environ: Mapping[str, str] | None = None, nvml: Any | None = None) -> Visible:
    """The NVIDIA boards that ``CUDA_VISIBLE_DEVICES`` leaves to this process."""
    environ = os.environ if environ is None else environ
    nvml = load_nvml() if nvml is None else nvml
    if nvml is None:
        return Visible()
    boards = [_board(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]
    problems = []
    names = {board.name for board in boards}
    if len(names) > 1 and environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
        problems.append("boards of several kinds: set CUDA_DEVICE_ORDER=PCI_BUS_ID so that numbers agree")
    given = environ.get("CUDA_VISIBLE_DEVICES")
    if given is None:
        return Visible(devices=tuple(boards), on_node=len(boards), problems=tuple(problems))
    if given.strip().lower() in HIDES_ALL:
        return Visible(on_node=len(boards), problems=tuple(problems))
    chosen: dict[str, Device] = {}
    for entry in given.split(","):
        device = _named(entry.strip(), boards, nvml)
        if device is None:
            problems.append(f"CUDA_VISIBLE_DEVICES: {entry.strip()[:64]!r} names no board; CUDA stops there")
            break
        if device.uuid in chosen and not device.mig:
            problems.append(f"CUDA_VISIBLE_DEVICES names board {device.index} twice: CUDA then shows none")
            return Visible(on_node=len(boards), problems=tuple(problems))
        chosen[device.uuid] = device
    if any(device.mig for device in chosen.values()):
        problems.append("a MIG slice is in use: its board's whole energy is counted, an upper bound")
    return Visible(devices=tuple(chosen.values()), on_node=len(boards), problems=tuple(problems))


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _board(nvml: Any, index: int) -> Device:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    return Device(
        index=index, uuid=_text(nvml.nvmlDeviceGetUUID(handle)), name=_text(nvml.nvmlDeviceGetName(handle))
    )


def _named(entry: str, boards: list[Device], nvml: Any) -> Device | None:
    """The board that one entry of the list names."""
    if entry.isdigit():
        return next((board for board in boards if board.index == int(entry)), None)
    if entry.startswith("MIG-"):
        return _mig_board(entry, boards, nvml)
    matches = [board for board in boards if entry.startswith("GPU-") and board.uuid.startswith(entry)]
    return matches[0] if len(matches) == 1 else None


def _mig_board(entry: str, boards: list[Device], nvml: Any) -> Device | None:
    """The board that carries a MIG slice: ``MIG-GPU-<board>/<gi>/<ci>``, or ``MIG-<uuid>`` from R470 on."""
    uuid = entry.removeprefix("MIG-").split("/")[0]
    if not uuid.startswith("GPU-"):
        try:
            slice_handle = nvml.nvmlDeviceGetHandleByUUID(entry)
            board_handle = nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(slice_handle)
            uuid = _text(nvml.nvmlDeviceGetUUID(board_handle))
        except nvml.NVMLError:
            return None
    return next(
        (
            Device(index=board.index, uuid=board.uuid, name=board.name, mig=True)
            for board in boards
            if board.uuid.startswith(uuid)
        ),
        None,
    )


def devices_of(processes: Iterable[int], devices: Iterable[Device], nvml: Any) -> frozenset[str] | None:
    """The boards on which one of these processes computes; None where process ids cannot be compared.

    In a container the driver names processes by the host's numbers, so no match at all
    means "not known", never "not used".
    """
    ours = set(processes)
    found = set()
    for device in devices:
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(device.index)
            running = {entry.pid for entry in nvml.nvmlDeviceGetComputeRunningProcesses(handle)}
        except nvml.NVMLError:
            return None
        if running & ours:
            found.add(device.uuid)
    return frozenset(found) if found else None


def memory_share() -> float:
    """The part of the machine's memory that this process's control group may use [0-1]."""
    limit, total = _cgroup_memory_byte(), _machine_memory_byte()
    if limit is None or total is None or limit >= total:
        return 1.0
    return limit / total


def _machine_memory_byte() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _cgroup_memory_byte(root: str = "/") -> int | None:
    """The smallest memory limit on this process's way up the cgroup tree (v2, else v1)."""
    from pathlib import Path

    base = Path(root)
    try:
        lines = (base / "proc/self/cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    limits = []
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers and "memory" not in controllers.split(","):
            continue
        mount, name = (
            (base / "sys/fs/cgroup", "memory.max")
            if not controllers
            else (base / "sys/fs/cgroup/memory", "memory.limit_in_bytes")
        )
        folder = mount / path.strip("/")
        for place in (folder, *folder.parents):
            with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
                limits.append(int((place / name).read_text(encoding="utf-8", errors="replace")))
            if place == mount:
                break
    return min((limit for limit in limits if limit > 0), default=None)
