"""What can be measured here, how well, and what would change it."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

from footprint.catalog.version import headed
from footprint.meters import Channel, Meter
from footprint.meters.devices import memory_share, visible_devices
from footprint.records import field, state
from footprint.results.measurement import METERED
from footprint.spelling import on_command_line
from footprint.tracking.journal.lines import StartLine, StateLine
from footprint.tracking.journal.reader import read_journal
from footprint.tracking.journal.writer import JournalWriter
from footprint.tracking.process.detected_hardware import cores, detect_hardware, find_profile, processor_name
from footprint.tracking.process.identity import Identity, identify
from footprint.tracking.recorder.energy_ledger import Ledger
from footprint.units import JOULE_PER_KWH

SCHEMA = "footprint/doctor/1"
RAPL = Path("/sys/class/powercap")
SLOW_FSYNC_S = 0.5


@state
class Diagnosis:
    """The findings, in the order they are printed."""

    components: list[dict[str, Any]] = field(default_factory=list)
    hardware: dict[str, Any] = field(default_factory=dict)
    launcher: dict[str, Any] = field(default_factory=dict)
    journal: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return {
            **headed(SCHEMA), "hardware": self.hardware, "components": self.components,
            "launcher": self.launcher, "journal": self.journal, "problems": self.problems,
            "advice": [*map(on_command_line, self.advice)],
        }  # fmt: skip


def diagnose(meter: Meter, folder: Path, seconds: float) -> Diagnosis:
    """Read the meter for some seconds, test the journal folder, and say what is missing."""
    who = identify()
    found = Diagnosis(launcher=_launcher(who))
    found.hardware = _hardware(who, found)
    found.components = _components(meter, seconds, found)
    found.journal = _journal(folder, who, found)
    _advise(found)
    return found


def _launcher(who: Identity) -> dict[str, Any]:
    return {
        "launcher": who.launcher,
        "rank": who.rank,
        "world_size": who.world_size,
        "nodes": who.nodes,
        "counts_node": who.counts_node,
    }


def _hardware(who: Identity, found: Diagnosis) -> dict[str, Any]:
    visible = visible_devices()
    found.problems += visible.problems
    cluster, note = detect_hardware(who)
    if note:
        found.advice.append(note)
    processor = processor_name()
    return {
        "cluster": cluster,
        "boards": [{"name": d.name, "index": d.index, "uuid": d.uuid} for d in visible.devices],
        "boards_on_node": visible.on_node,
        "processor": processor,
        "processor_profile": find_profile(processor) if processor else None,
        "cores": cores(),
        "memory_share": memory_share(),
    }


def _components(meter: Meter, seconds: float, found: Diagnosis) -> list[dict[str, Any]]:
    """Each component: how it is known, its draw now [W], and the 90 % interval of a modelled one."""
    begin = time.monotonic()
    try:
        channels = tuple(meter.start())
    except Exception as error:  # noqa: BLE001 - any failure is a finding here
        found.problems.append(f"the meter does not start: {error}")
        return [{"component": name, "how": "absent", "source": str(error)} for name in METERED]
    started_s = time.monotonic()
    ledger = Ledger()
    ledger.open(channels, 0.0)
    end = started_s + seconds
    while time.monotonic() < end:
        time.sleep(min(1.0, max(0.05, end - time.monotonic())))
        reading = meter.read()
        if reading is not None:
            ledger.take(reading.energy_kwh, time.monotonic() - started_s)
    elapsed_s = time.monotonic() - started_s
    meter.stop()
    found.problems += [fault.what for fault in ledger.take_faults()]
    found.hardware["meter_start_s"] = round(started_s - begin, 2)
    return [_component(name, channels, ledger, elapsed_s) for name in _names(channels)]


def _names(channels: tuple[Channel, ...]) -> list[str]:
    present = [channel.component for channel in channels]
    return ["node"] if "node" in present else list(METERED)


def _component(name: str, channels: tuple[Channel, ...], ledger: Ledger, elapsed_s: float) -> dict[str, Any]:
    channel = next((c for c in channels if c.component == name), None)
    if channel is None or channel.how == "absent":
        return {"component": name, "how": "absent", "source": "nothing here reads it"}
    kwh = ledger.energy_kwh().get(name, 0.0)
    record: dict[str, Any] = {
        "component": name,
        "how": channel.how,
        "source": channel.source,
        "power_w": kwh * JOULE_PER_KWH / elapsed_s if elapsed_s > 0 else None,
    }
    if channel.how == "modelled" and name in ("cpu", "ram"):
        from footprint.catalog.assumptions import assumed

        factor = assumed(f"tracking.{name}_model")
        record["times_low"], record["times_high"] = factor.low, factor.high
    return record


def _journal(folder: Path, who: Identity, found: Diagnosis) -> dict[str, Any]:
    """Write, sync and read back a journal in the folder; how long that takes and how much room there is."""
    place = folder.absolute()
    test = place / f".doctor-{os.getpid()}"
    made = [path for path in (place, *place.parents) if not path.exists()]
    try:
        before = time.perf_counter()
        writer = JournalWriter(test / "self.journal.jsonl", StartLine(run_id="doctor", process=who))
        writer.write(StateLine(boot_s=0.0, steps=1))
        writer.close()
        each_s = (time.perf_counter() - before) / 2
        whole = read_journal(writer.path).lines == [StateLine(boot_s=0.0, steps=1)]
        free = shutil.disk_usage(place).free
    except Exception as error:  # noqa: BLE001 - any failure is a finding here
        found.problems.append(f"journals cannot be kept in {place}: {error}")
        return {"folder": str(place), "works": False}
    finally:
        shutil.rmtree(test, ignore_errors=True)
        for path in made:
            try:
                path.rmdir()
            except OSError:
                break
    if each_s > SLOW_FSYNC_S:
        found.problems.append(
            f"writing to {place} takes {each_s:.1f} s: choose a faster folder with journal_dir="
        )
    return {"folder": str(place), "works": whole, "write_s": round(each_s, 4), "free_byte": free}


def _advise(found: Diagnosis) -> None:
    """What would turn a modelled or absent component into a measured one."""
    hows = {component["component"]: component["how"] for component in found.components}
    if hows.get("cpu") == "modelled":
        found.advice.append(_rapl_advice())
    if hows.get("accelerators") == "absent" and not found.hardware["boards"]:
        if found.hardware["boards_on_node"]:
            found.advice.append("accelerators: CUDA_VISIBLE_DEVICES hides every board of this node")
        elif Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi"):
            found.advice.append("accelerators: there is an NVIDIA driver, but NVML cannot be loaded here")
    if "ram" in hows and hows["ram"] == "modelled":
        found.advice.append(
            "memory: no counter is read; it is modelled from its size, within a factor of about 2"
        )
    found.advice.append(
        "fans, power supplies and network cards: no meter here sees them; "
        "the estimate's power model adds them, labelled"
    )


def _rapl_advice() -> str:
    """Why there is no processor counter, and who could change that."""
    counters = sorted(RAPL.glob("*/energy_uj")) if RAPL.is_dir() else []
    if not counters:
        where = "this is a virtual machine or container" if _virtual() else "the kernel offers none"
        return (
            f"processors: no RAPL counter ({where}), so their power is modelled from load; bare metal has one"
        )
    if not os.access(counters[0], os.R_OK):
        return (
            f"processors: {counters[0]} is there but only root may read it: "
            "sudo chmod a+r /sys/class/powercap/*/energy_uj measures them"
        )
    return "processors: RAPL is readable, but codecarbon did not use it; is this an unusual processor?"


def _virtual() -> bool:
    try:
        if "hypervisor" in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"):
            return True
    except OSError:
        pass
    return Path("/.dockerenv").exists() or "container" in os.environ
