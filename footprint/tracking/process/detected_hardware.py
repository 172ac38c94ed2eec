"""Which catalogue profile this machine is: by the names that its drivers give."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

from footprint.errors import FootprintError
from footprint.meters.devices import visible_devices
from footprint.tracking.process.identity import Identity

SERVER_WORDS = ("EPYC", "Xeon")
UNNAMED_SERVER = "server-cpu-core"
"""The profile of a server's processor whose model is not in the catalogue, or hidden by the cloud."""


def detect_hardware(who: Identity) -> tuple[str | None, str]:
    """The cluster of this run as ``NAME:COUNT``, and a note where something stays unknown.

    NVIDIA boards by NVML's name, else torch's devices if torch is already loaded (it is
    never imported for this), else the processor.
    """
    names, note = _boards()
    if names:
        if len(set(names)) > 1:
            return None, f"boards of several kinds ({', '.join(sorted(set(names)))}): say which with `hw=`"
        profile = find_profile(names[0])
        if profile is None:
            return None, f"no profile of {names[0]!r}: give `hw=`, or add one (docs: how to add a chip)"
        return f"{profile}:{_count(len(names), who)}", note
    processor = processor_name()
    profile = find_profile(processor) if processor else None
    if profile is not None:
        return f"{profile}:{max(1, _sockets()) * max(1, who.nodes)}", ""
    if any(word in processor for word in SERVER_WORDS):
        return f"{UNNAMED_SERVER}:{cores() * max(1, who.nodes)}", (
            f"processor {processor!r} has no profile: {cores()} cores of an average server processor are "
            "assumed, with a wide interval; `hw=` replaces them"
        )
    return None, f"processor {processor or 'unknown'!r} has no profile: give `hw=` for an estimate"


def _count(visible: int, who: Identity) -> int:
    """Boards of the whole run: one a rank where each rank sees one, else each node's."""
    if visible < who.local_world_size:
        return visible * who.world_size
    return visible * max(1, who.nodes)


def _boards() -> tuple[list[str], str]:
    """Names of the boards this process may use."""
    visible = visible_devices()
    if visible.devices:
        return [device.name for device in visible.devices], "; ".join(visible.problems)
    torch = sys.modules.get("torch")
    if torch is None:
        return [], ""
    try:
        if torch.cuda.is_available():  # ROCm builds answer here too
            return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())], ""
    except Exception:  # noqa: BLE001 - a broken driver must not stop a training run
        return [], ""
    return [], ""


def find_profile(name: str) -> str | None:
    """The catalogue's id for a driver's name of a chip, or None."""
    from footprint.catalog.hardware import find_accelerator

    cleaned = name.replace("(R)", "").replace("(TM)", "").split("@")[0].replace(" CPU", "")
    cleaned = re.sub(r"( \d+-Core)? Processor\b.*", "", cleaned)  # "AMD EPYC 7763 64-Core Processor"
    for candidate in (name, " ".join(cleaned.split())):
        try:
            return find_accelerator(candidate).id
        except FootprintError:
            continue
    return None


def processor_name() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _sockets() -> int:
    """Processor packages of this machine."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 1
    packages = {
        line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("physical id")
    }
    return len(packages) or 1


def cores() -> int:
    """Processor cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
