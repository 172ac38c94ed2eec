"""The report of a run that is still here: from its own journal, the record of truth, or from memory."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from footprint.errors import FootprintError
from footprint.results import Quantity
from footprint.results.human import amount, figures, interval
from footprint.results.measurement import Comparison, Measurement
from footprint.tracking.arguments.known_names import in_python
from footprint.tracking.journal.journal import (
    SUFFIX,
    Journal,
    UnreadableJournalError,
    journals_in,
    read_journal,
)
from footprint.tracking.journal.process_record import ProcessRecord, read_process
from footprint.tracking.journal.report_claim import settle
from footprint.tracking.report.measured import impossible
from footprint.tracking.report.run_report import RunReport, last_out, report_journals, report_on, write_rows
from footprint.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from footprint.tracking.recorder.recorder import Recorder

CLOCK_GRACE_S = 3600.0


def whole_report(recorder: Recorder) -> RunReport | None:
    """The report over every journal of the run's folder; one made of memory where there is no folder."""
    if recorder.folder is not None:
        journals, _ = journals_in(recorder.folder)
        report = report_journals(journals, recorder.run_id)
        if report is not None:
            return report
    return report_journals([_from_memory(recorder)], recorder.run_id)


def _from_memory(recorder: Recorder) -> Journal:
    """What the journal would say."""
    ended = next((line for line in recorder.lines if line.get("type") == "end"), None)
    states = [{**recorder.last_state, "type": "state"}] if recorder.last_state else []
    place = recorder.writer.path if recorder.writer is not None else Path("memory")
    return Journal(place, recorder.first_line, [*recorder.lines, *states], ended=ended)


def end_report(recorder: Recorder) -> str:
    """Write the report rows if this is the launch's last process; the line to print."""
    if recorder.folder is None:
        report = report_journals([_from_memory(recorder)], recorder.run_id)
        if report is None:
            return ""
        return end_line(recorder, report, written=_rows(recorder, report, first_segment=True))
    # a line that the disk did not take is still known here
    cut = recorder.writer is not None and recorder.writer.problem != ""
    own = _from_memory(recorder) if cut else None
    last = last_out(recorder.folder, own, recorder.who.launch, recorder.who.boot_id)
    if last is None:
        return own_line(recorder) if recorder.who.rank == 0 else ""
    segment, first_segment = last
    report = report_on(recorder.run_id, segment.processes, _neighbours(recorder))
    written = _rows(recorder, report, first_segment=first_segment)
    if len(written) == len(_csvs(recorder, report)):
        settle(recorder.folder, segment)  # else `footprint recover --csv` may write them elsewhere
    if recorder.who.rank != 0 and report.totals.missing:
        return ""  # a node without a common disk: what it knows is a part
    return end_line(recorder, report, written=written)


def _neighbours(recorder: Recorder) -> list[ProcessRecord]:
    """Processes of other runs of the same folder that were on this node at the same time."""
    if recorder.folder is None:
        return []
    found = []
    started_s, started_wall_s = recorder.first_line.get("boot_s", 0.0), time.time() - recorder.run_s()
    for folder in recorder.folder.parent.iterdir():
        if folder == recorder.folder or not folder.is_dir():
            continue
        for path in folder.glob(f"*{SUFFIX}"):
            # an hour of grace for a clock that was set back; older files cannot overlap
            if path.stat().st_mtime < started_wall_s - CLOCK_GRACE_S:
                continue
            with contextlib.suppress(UnreadableJournalError):
                process = read_process(read_journal(path))
                if process.boot_id == recorder.who.boot_id and process.last_s > started_s:
                    found.append(process)
    return found


def _rows(recorder: Recorder, report: RunReport, *, first_segment: bool) -> list[Path]:
    """Write the report rows to each CSV that was asked for; those that have them."""
    written = []
    for csv in _csvs(recorder, report):
        try:
            write_rows(report, csv, first_segment=first_segment)
        except FootprintError as error:
            recorder.problem(f"report: {error}")
        else:
            written.append(csv)
    return written


def _csvs(recorder: Recorder, report: RunReport) -> list[Path]:
    own = [recorder.settings.csv.absolute()] if recorder.settings.csv is not None else []
    return list(dict.fromkeys([*own, *report.csvs]))


def start_line(recorder: Recorder) -> str:
    """What is said once at the start."""
    prepared = recorder.prepared
    parts = [f"run {recorder.run_id}"]
    if prepared is not None and prepared.estimate is not None:
        estimate = prepared.estimate
        parts.append(
            f"{estimate.name}: estimate {spoken(estimate.duration_h, 'h')}, "
            f"{spoken(estimate.energy_kwh, 'kwh')}, "
            f"{spoken(estimate.co2e_kg, 'kg')} CO2e, {estimate.place.name}"
        )
        parts += [in_python(warning) for warning in estimate.warnings]
    elif prepared is not None and prepared.given.get("hw"):
        parts.append(str(prepared.given["hw"]))
    meter = recorder.settings.meter
    if recorder.who.metered_by_parent:
        parts.append("joins footprint run, which reads the meter")
    else:
        parts.append(f"meter {meter if isinstance(meter, str) else type(meter).__name__}")
    if recorder.folder is not None:
        parts.append(f"journal {_short(recorder.folder)}")
    if recorder.problems:
        parts.append("; ".join(recorder.problems[:3]))
    recorder.said = len(recorder.problems)
    return " | ".join(parts)


def own_line(recorder: Recorder) -> str:
    """What a process says that is not the last of its run to end: of itself, the whole is not known yet."""
    who, steps = recorder.who, recorder.last_state.get("steps", 0)
    name = f"rank {who.rank}" if who.world_size > 1 else "this program"
    last = "footprint run" if who.metered_by_parent else "the last of its processes to end"
    parts = [
        f"run {recorder.run_id}: {name} {recorder.ended_as[0]}",
        f"{steps:,} steps in {amount(recorder.run_s() / SECONDS_PER_HOUR, 'h')}",
        f"{last} reports the whole",
    ]
    return " | ".join([*parts, *_new_problems(recorder)])


def _new_problems(recorder: Recorder) -> list[str]:
    new = recorder.problems[recorder.said :]
    return ["; ".join(new[:2]) + (f" (+{len(new) - 2} more)" if len(new) > 2 else "")] if new else []


def end_line(recorder: Recorder, report: RunReport, *, written: Sequence[Path] = ()) -> str:
    """What is said once at the end."""
    measured = report.measurement
    parts = [f"run {measured.run_id} {measured.status}", _energy(measured)]
    if measured.workload.steps:
        parts.append(f"{measured.workload.steps:,.0f} steps")
    if measured.co2e_kg is not None and measured.place is not None:
        parts.append(f"{spoken(measured.co2e_kg, 'kg')} CO2e, {measured.place.name}")
    if measured.cost_usd is not None:
        parts.append(spoken(measured.cost_usd, "usd"))
    if report.comparison is not None:
        parts.append(_against(report.comparison))
    parts += impossible(measured.mfu)
    if written:
        parts.append(f"rows in {', '.join(_short(csv) for csv in written)}")
    return " | ".join([*parts, *_new_problems(recorder)])


def _energy(measured: Measurement) -> str:
    took = amount(measured.duration_h.mid, "h")
    if measured.energy_kwh is None:
        return f"no energy read in {took}"
    named: dict[str, list[str]] = {}
    for meter in measured.meters:
        if meter.how != "absent":
            named.setdefault(meter.how, []).append(meter.component)
    hows = "; ".join(f"{how}: {', '.join(components)}" for how, components in named.items())
    return f"{spoken(measured.energy_kwh, 'kwh')} at the facility in {took} | {hows}"


def _against(comparison: Comparison) -> str:
    parts = [
        f"{label} x{figures(row.ratio, 2)}"
        for label, name in (("time", "duration_h"), ("power", "it_power_w"), ("energy", "energy_kwh"))
        for row in comparison.quantities
        if row.name == name
    ]
    return "measured/predicted " + ", ".join(parts)


def spoken(quantity: Quantity, unit: str) -> str:
    """A quantity for people: three significant figures, the interval beside it."""
    beside = f" ({interval(quantity, unit)})" if quantity.spread else ""
    return f"{amount(quantity.mid, unit)}{beside}"


def _short(path: Path) -> str:
    try:
        return f"./{path.relative_to(Path.cwd())}"
    except (ValueError, OSError):
        return str(path)
