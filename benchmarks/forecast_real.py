"""Errors of forecasts of hours and kWh on runs that are executed and tracked.

    python -m benchmarks.forecast_real                  # some ten minutes: one run of each shape
    python -m benchmarks.forecast_real --seconds 60 --only "slow phase late"
    python -m benchmarks.forecast_real --keep /tmp/kept        # keep the journals
    python -m benchmarks.forecast_real --replay /tmp/kept      # forecast the hours from kept journals

Each run does real work on one thread (matrix products, a small GPT and a CNN, files synced to disk,
waiting for data, another process that takes the processor away) under ``footprint.track()`` with
codecarbon, as a user would. The forecasts made at 5, 10, 25 and 50 % of the steps are compared with the
journal of the finished run. An interval passes unless its number of hits would have a probability below
1/20 at a coverage of 90 %; otherwise the exit code is 1.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.real_shapes import SHAPES, STEPS, Work

MARKS = (0.05, 0.10, 0.25, 0.50)
FLUSH_S = 0.25
CHANCE = 0.05


@dataclass(frozen=True)
class Result:
    """One run: its hours and kWh, and the forecasts (low, mid, high) at each mark."""

    took_h: float
    used_kwh: float | None
    hours: dict[float, tuple[float, float, float]]
    kwh: dict[float, tuple[float, float, float]]


def run_one(name: str, seconds: float, folder: Path, meter: str) -> Result:
    """Execute one shape under track() and collect its forecasts."""
    import footprint

    steps, make = SHAPES[name]
    work = Work(step_s=seconds / STEPS, folder=folder)
    seen: list[tuple[float, tuple[float, ...], tuple[float, ...] | None]] = []

    def keep(forecast: object) -> None:
        hours, energy = forecast.duration_h, forecast.energy_kwh  # type: ignore[attr-defined]
        found = None if energy is None else (energy.low, energy.mid, energy.high)
        seen.append((forecast.progress, (hours.low, hours.mid, hours.high), found))  # type: ignore[attr-defined]

    with footprint.track(
        total_steps=steps, meter=meter, flush_s=FLUSH_S, callback=keep, quiet=True, pue=1.0,
        journal_dir=folder, progress=False,
    ) as run:  # fmt: skip
        for _ in zip(range(steps), make(work), strict=False):
            run.step()
    measured = run.measurement
    assert measured is not None
    hours, kwh = {}, {}
    for mark in MARKS:
        later = [(h, k) for progress, h, k in seen if mark <= progress < mark + 0.1]
        if later:
            hours[mark] = later[0][0]
            energies = [k for _, k in later[:1] if k is not None]
            if energies:
                kwh[mark] = energies[0]
    energy = measured.it_energy_kwh
    return Result(measured.duration_h.mid, None if energy is None else energy.mid, hours, kwh)  # type: ignore[arg-type]


def replay(journal: Path) -> Result:
    """The time forecasts of the present forecaster from the lines of a kept journal."""
    from footprint.tracking.forecast.pace import Forecaster
    from footprint.tracking.journal.lines import EndLine, MeterLine, StateLine
    from footprint.tracking.journal.reader import read_journal

    read = read_journal(journal)
    states = [line for line in read.lines if isinstance(line, StateLine)]
    forecaster = Forecaster(total_steps=read.given["total_steps"])
    ready = False
    hours: dict[float, tuple[float, float, float]] = {}
    for line in read.lines:
        ready |= isinstance(line, MeterLine)
        if not isinstance(line, StateLine) or isinstance(line, EndLine):
            continue
        if ready:
            forecaster.add(line.steps, line.run_s, line.step_s, line.waited_s or 0.0)
        found = forecaster.forecast(line.steps, line.run_s)
        for mark in MARKS:
            if found is not None and mark <= found.progress < mark + 0.1 and mark not in hours:
                hours[mark] = (found.low_h, found.mid_h, found.high_h)
    return Result(states[-1].run_s / 3600, None, hours, {})


def likely(held: int, of: int) -> bool:
    """Whether at most ``held`` hits of ``of`` have a probability above `CHANCE` at a coverage of 90 %."""
    return sum(math.comb(of, k) * 0.9**k * 0.1 ** (of - k) for k in range(held + 1)) > CHANCE


def _cells(forecasts: dict[float, tuple[float, float, float]], truth: float | None) -> str:
    cells = []
    for mark in MARKS:
        if truth is None or mark not in forecasts:
            cells.append(f"{'-':>9} ")
            continue
        low, mid, high = forecasts[mark]
        cells.append(f"{mid / truth - 1:>+9.1%}{' ' if low <= truth <= high else '!'}")
    return "".join(cells)


def _summary(what: str, pairs: list[tuple[dict[float, tuple[float, float, float]], float]]) -> bool:
    ok = True
    for mark in MARKS:
        known = [(found[mark], truth) for found, truth in pairs if mark in found]
        if not known:
            continue
        errors = sorted(abs(mid / truth - 1) for (_, mid, _), truth in known)
        held = sum(low <= truth <= high for (low, _, high), truth in known)
        width = statistics.median(high / low for (low, _, high), _ in known)
        fits = likely(held, len(known))
        ok &= fits
        print(
            f"{what} at {mark:>4.0%}: median error {statistics.median(errors):5.1%}, 90 % within "
            f"{errors[math.ceil(0.9 * len(errors)) - 1]:5.1%}, interval holds {held} of {len(known)} "
            f"({'compatible with 90 %' if fits else 'TOO FEW'}), high/low {width:.2f}"
        )
    return ok


def main(arguments: list[str] | None = None) -> int:
    """Run every shape once; exit code 1 if an interval holds too seldom."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="about so long each run takes")
    parser.add_argument("--only", help="one shape")
    parser.add_argument("--meter", default="codecarbon")
    parser.add_argument("--keep", type=Path, help="folder that keeps the journals")
    parser.add_argument("--replay", type=Path, help="folder of kept journals, instead of running")
    options = parser.parse_args(arguments)
    names = [options.only] if options.only else list(SHAPES)
    if options.replay:
        names = sorted(path.name for path in options.replay.iterdir())
    results = []
    print(
        f"{'run':<27}{'s':>6}  hours: " + "".join(f"{f'at {m:.0%}':>9} " for m in MARKS) + "  kWh: same marks"
    )
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            if options.replay:
                (journal,) = (options.replay / name).rglob("*.jsonl")
                result = replay(journal)
            else:
                place = options.keep / name if options.keep else Path(folder)
                place.mkdir(parents=True, exist_ok=True)
                result = run_one(name, options.seconds, place, options.meter)
        results.append(result)
        took_s = result.took_h * 3600
        hours, kwh = _cells(result.hours, result.took_h), _cells(result.kwh, result.used_kwh)
        print(f"{name:<27}{took_s:>6.1f}         {hours}       {kwh}", flush=True)
    print("\n! the interval did not hold; - no forecast yet (the meter takes about two seconds to start)\n")
    ok = _summary("hours", [(result.hours, result.took_h) for result in results])
    energies = [(result.kwh, result.used_kwh) for result in results if result.used_kwh is not None]
    ok &= _summary("kWh  ", energies)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
