"""codecarbon as the meter: its energy by component and nothing else.

Place, intensity, PUE, price and files are ours (design, live measurement), so codecarbon runs
offline with a fixed intensity, writes nothing, and is asked for a reading when we flush.
What it can read differs by machine: NVML's or amdsmi's energy counter for boards, RAPL for
processors, else a model of the processor's load; memory is always a model. Each channel says
which.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import warnings
from types import SimpleNamespace
from typing import Any

from footprint.meters.base import Channel, MeterError, Reading
from footprint.meters.devices import Visible, devices_of, load_nvml, memory_share, visible_devices
from footprint.meters.processes import descendants
from footprint.units import HOURS_PER_YEAR, SECONDS_PER_HOUR

NEVER_S = 10.0 * HOURS_PER_YEAR * SECONDS_PER_HOUR
"""The period of codecarbon's own timer, which must not fire: we ask for readings [s]."""
MEASURED_CPU = {
    "intel_rapl": "RAPL package counter",
    "windows_emi": "Windows Energy Meter Interface",
    "intel_power_gadget": "Intel Power Gadget",
}
JOIN_S = 1.0


class CodecarbonMeter:
    """`codecarbon.OfflineEmissionsTracker`, read on demand.

    ``host=False`` leaves processor and memory out, for local ranks whose node another rank
    counts. ``root_pid`` is the process whose descendants are this run (else this process).
    """

    def __init__(self, *, host: bool = True, root_pid: int | None = None) -> None:
        self._host = {"cpu": host, "ram": host}
        self._root_pid = root_pid
        self._tracker: Any = None
        self._latest: Any = None
        self._visible = Visible()
        self._nvml: Any = None
        self._boards: list[Any] = []
        self._board_kwh: dict[str, float] = {}
        self._memory_share = 1.0
        self._threads: set[threading.Thread] = set()
        self._accelerators = False
        self._level_before = logging.ERROR

    def start(self) -> tuple[Channel, ...]:
        """Scan the hardware (about two seconds the first time) and begin to count.

        Raises:
            MeterError: codecarbon is missing or found nothing that it can read.
        """
        self._nvml = load_nvml()
        self._visible = visible_devices(nvml=self._nvml) if self._nvml else Visible()
        before = set(threading.enumerate())
        self._tracker = self._make_tracker()
        self._tracker.start()
        self._threads = set(threading.enumerate()) - before
        hardware = list(getattr(self._tracker, "_hardware", []))
        if not hardware:
            raise MeterError("codecarbon found no hardware that it can read")
        self._memory_share = memory_share()
        channels = [channel for item in hardware if (channel := self._channel(item)) is not None]
        self._quieten()
        return tuple(channels)

    @property
    def visible(self) -> Visible:
        """The NVIDIA boards this process may use, after `start`."""
        return self._visible

    def _make_tracker(self) -> Any:
        try:
            from codecarbon import OfflineEmissionsTracker
            from codecarbon.output_methods.base_output import BaseOutput
        except ImportError as error:
            raise MeterError(f"codecarbon cannot be imported ({error}); reinstall footprint-ml") from error
        self._level_before = _silence()  # it announces itself before it reads log_level
        meter = self

        class Catch(BaseOutput):  # type: ignore[misc]
            """Receives each reading; codecarbon's public way to get at them."""

            def out(self, total: Any, delta: Any) -> None:  # noqa: ARG002
                meter._latest = total

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return OfflineEmissionsTracker(
                country_iso_code="FRA",  # any country: its intensity is replaced and its kg never read
                force_carbon_intensity_g_co2e_kwh=1.0,
                output_methods=[],
                output_handlers=[Catch()],
                measure_power_secs=NEVER_S,
                api_call_interval=-1,
                gpu_ids=[device.index for device in self._visible.devices] if self._visible.on_node else None,
                tracking_mode="machine",
                log_level="error",
                pue=1.0,
                wue=0.0,
                allow_multiple_runs=True,
                emissions_endpoint=None,
                force_mode_cpu_load=False,
            )

    def _channel(self, item: Any) -> Channel | None:
        """How one of codecarbon's hardware objects knows its energy."""
        kind = type(item).__name__
        if kind == "GPU":
            return self._accelerator_channel(item)
        if kind == "CPU" and self._host["cpu"]:
            mode = str(getattr(item, "_mode", ""))
            if mode in MEASURED_CPU:
                return Channel(component="cpu", how="measured", source=f"codecarbon: {MEASURED_CPU[mode]}")
            tdp_w = getattr(item, "_tdp", None)
            rated = f" {tdp_w:g} W" if isinstance(tdp_w, int | float) else ""
            return Channel(
                component="cpu", how="modelled", source=f"codecarbon: processor load x rated power{rated}"
            )
        if kind == "RAM" and self._host["ram"]:
            share = f", x {self._memory_share:.3g} (cgroup limit)" if self._memory_share < 1 else ""
            return Channel(
                component="ram", how="modelled", source=f"codecarbon: watts by installed memory{share}"
            )
        if kind in {"AppleSiliconChip", "Raspberry"}:
            part = {"CPU": "cpu", "GPU": "accelerators", "RAM": "ram"}.get(getattr(item, "chip_part", ""), "")
            if part and self._host.get(part, True):
                self._accelerators |= part == "accelerators"
                return Channel(component=part, how="measured", source=f"codecarbon: {kind}")
        return None

    def _accelerator_channel(self, item: Any) -> Channel | None:
        if self._visible.on_node and not self._visible.devices:
            return None
        wanted = {device.index for device in self._visible.devices}
        boards = list(getattr(getattr(item, "devices", None), "devices", []))
        self._boards = [board for board in boards if not wanted or board.gpu_index in wanted]
        self._board_kwh = {self._uuid(board): _delta_kwh(board) for board in self._boards}
        self._accelerators = True
        counters = [getattr(board, "last_energy", None) is not None for board in self._boards]
        source = "energy counter" if all(counters) else "power sampled every second"
        return Channel(
            component="accelerators",
            how="measured",
            source=f"codecarbon: {source} of {len(self._boards)} boards",
        )

    def _uuid(self, board: Any) -> str:
        for device in self._visible.devices:
            if device.index == board.gpu_index:
                return device.uuid
        return f"board-{board.gpu_index}"

    def _quieten(self) -> None:
        """Stop codecarbon's once-a-second sampling where every board has an energy counter.

        It costs a tenth of a percent of a core and serves only boards without a counter.
        """
        if all(getattr(board, "last_energy", None) is not None for board in self._boards):
            sampler = getattr(self._tracker, "_scheduler_monitor_power", None)
            if sampler is not None:
                sampler.stop()

    def read(self) -> Reading | None:
        """Energy since `start` [kWh]; None when codecarbon gave nothing new."""
        before = time.perf_counter()
        data = self._measured()
        return None if data is None else self._reading(data, before)

    def _measured(self) -> Any:
        """Cumulative energies as codecarbon has them now.

        Its public ``flush`` also looks up a place we never use, which loads pandas and requests
        into the training process: a second of processor time and 50 MiB. So its measurement is
        called alone where it is there, and ``flush`` where it is not.
        """
        measure = getattr(self._tracker, "_measure_power_and_energy_if_stale", None)
        names = {f"{part}_energy": f"_total_{part}_energy" for part in ("gpu", "cpu", "ram")}
        if measure is not None and all(hasattr(self._tracker, name) for name in names.values()):
            measure()
            return SimpleNamespace(
                **{key: getattr(getattr(self._tracker, name), "kWh", None) for key, name in names.items()}
            )
        self._latest = None
        self._tracker.flush()
        return self._latest

    def _reading(self, data: Any, asked_s: float) -> Reading:
        # flush() skips the measurement within 50 ms of the last one; deltas are then not new
        fresh = getattr(self._tracker, "_last_measured_time", asked_s) >= asked_s
        for board in self._boards if fresh else ():
            self._board_kwh[self._uuid(board)] += _delta_kwh(board)
        energy: dict[str, float | None] = {}
        if self._accelerators:
            energy["accelerators"] = data.gpu_energy
        if self._host["cpu"]:
            energy["cpu"] = data.cpu_energy
        if self._host["ram"]:
            energy["ram"] = None if data.ram_energy is None else data.ram_energy * self._memory_share
        return Reading(
            energy_kwh=energy,
            device_kwh=dict(self._board_kwh),
            device_busy=self._busy(),
            own_devices=self._own(),
        )

    def _busy(self) -> dict[str, float]:
        busy = {}
        for device in self._visible.devices if self._nvml else ():
            try:
                handle = self._nvml.nvmlDeviceGetHandleByIndex(device.index)
                busy[device.uuid] = self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100.0
            except self._nvml.NVMLError:
                continue
        return busy

    def _own(self) -> frozenset[str] | None:
        if self._nvml is None or not self._visible.devices:
            return None
        return devices_of(descendants(self._root_pid or os.getpid()), self._visible.devices, self._nvml)

    def stop(self) -> None:
        """End codecarbon and wait for its timers."""
        if self._tracker is None:
            return
        tracker, self._tracker = self._tracker, None
        timers = (getattr(tracker, "_scheduler", None), getattr(tracker, "_scheduler_monitor_power", None))
        if None in timers:
            tracker.stop()
        for timer in timers:
            if timer is not None:
                timer.stop()  # its own stop() looks up the place as well
        for thread in self._threads:
            thread.join(JOIN_S)
        logging.getLogger("codecarbon").setLevel(self._level_before)


def _silence() -> int:
    """Only errors from codecarbon's logger from here on; the level it had."""
    logger = logging.getLogger("codecarbon")
    before = logger.level
    logger.setLevel(max(before, logging.ERROR))
    return before


def _delta_kwh(board: Any) -> float:
    """Energy of one board over codecarbon's last interval [kWh]."""
    return float(getattr(getattr(board, "energy_delta", None), "kWh", 0.0))


def rated_processor_w() -> float:
    """The power codecarbon rates this machine's processors at [W]."""
    from codecarbon.core.cpu import TDP

    _silence()
    return float(TDP().tdp or 0.0)


def rated_memory_w() -> float:
    """The power codecarbon's model gives this process's share of the machine's memory [W]."""
    from codecarbon.external.ram import RAM

    _silence()
    return float(RAM(tracking_mode="machine").total_power().W) * memory_share()
