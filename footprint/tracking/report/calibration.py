"""Finished runs as anchors for later estimates on the same hardware; only what was measured counts.

An anchor is a small file in the user's own folder: nothing uses it unless an estimate names it
(``--anchor``), and ``footprint anchor --remove`` forgets it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from footprint import equations
from footprint.catalog.files import runs_folder
from footprint.errors import FootprintError
from footprint.records import record
from footprint.results.human import in_words
from footprint.spelling import flag
from footprint.tracking.chain.estimator_calls import keep_as_anchor, leave_as_anchor
from footprint.tracking.chain.run_chain import is_processor
from footprint.tracking.report.absent_hardware import is_left_out
from footprint.tracking.report.run_report import RunReport
from footprint.units import SECONDS_PER_HOUR

LEAST_STEPS = 20
"""Fewer steps than this say more of the start-up than of the stack."""
FINISHED = ("completed", "stopped_by_budget")
_SCENARIO = (
    "model", "hw", "batch_size", "seq_len", "tgt_seq_len", "image_size", "document_length",
    "predicted_positions", "method", "lora_rank", "lora_targets", "lora_dropout", "frozen", "input_gradients",
    "precision", "tp", "pp", "dp", "cp", "ep", "zero", "interleaving", "micro_batch", "recompute",
    "attention", "optimizer", "accelerators_per_node", "cooling", "network_byte_per_s", "year",
)  # fmt: skip


_SIZES = ("batch_size", "seq_len", "tgt_seq_len", "image_size")


@record
class Candidate:
    """What one run would say of later estimates, or why it says nothing."""

    run_id: str
    name: str
    scenario: dict[str, Any]
    time_ratio: float | None
    """Measured over predicted step time."""
    board_w: float | None
    """Mean power of one board, where it was measured."""
    peak_gib: float | None
    """Most that tensors took on one accelerator, where PyTorch said it."""
    hours: float
    refused: str = ""


def candidates(reports: Sequence[RunReport]) -> list[Candidate]:
    """What each run offers; of several runs of one chip and precision the longest is taken."""
    found = [_candidate(report) for report in reports]
    best: dict[str, Candidate] = {}
    for candidate in found:
        if not candidate.refused and (
            candidate.name not in best or candidate.hours > best[candidate.name].hours
        ):
            best[candidate.name] = candidate
    return [
        candidate
        if candidate.refused or best[candidate.name] is candidate
        else _refuse(candidate, f"{best[candidate.name].run_id} of the same chip and precision is longer")
        for candidate in found
    ]


def _refuse(candidate: Candidate, why: str) -> Candidate:
    from dataclasses import replace

    return replace(candidate, refused=why)


def _candidate(report: RunReport) -> Candidate:
    measured, given = report.measurement, report.totals.given
    ratio = None
    if report.comparison is not None:
        ratio = next((q.ratio for q in report.comparison.quantities if q.name == "step_time_s"), None)
    scenario = {key: given[key] for key in _SCENARIO if key in given}
    if isinstance(scenario.get("model"), str) and Path(scenario["model"]).is_file():
        scenario["model"] = str(Path(scenario["model"]).absolute())
    if isinstance(scenario.get("hw"), str):
        scenario["hw"] = _absolute(scenario["hw"])
    chip = measured.cluster.accelerator if measured.cluster else "unknown"
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", f"runs-{chip}-{measured.workload.precision or 'any'}")
    step_s = measured.step_time_s.mid if measured.step_time_s else None
    board_w = _board_w(report)
    if step_s is not None:
        scenario["step_time_s"] = step_s
    if measured.workload.steps:
        scenario["steps"] = measured.workload.steps  # models whose amount was never published need one
    if board_w is not None:
        scenario["accelerator_power_w"] = board_w
    if report.totals.peak_gib is not None:
        scenario |= {"memory_gib": report.totals.peak_gib, "memory_scope": "allocated"}
    return Candidate(
        run_id=measured.run_id,
        name=name,
        scenario=scenario,
        time_ratio=ratio,
        board_w=board_w,
        peak_gib=report.totals.peak_gib,
        hours=measured.duration_h.mid,
        refused=_why_not(report, ratio),
    )


def _absolute(hw: str) -> str:
    """A cluster whose profile is a file, by its whole path."""
    for file, count in ((hw, ""), hw.rpartition(":")[::2]):
        if file.endswith(".toml") and Path(file).is_file():
            return f"{Path(file).absolute()}{':' if count else ''}{count}"
    return hw


def _why_not(report: RunReport, ratio: float | None) -> str:
    measured = report.measurement
    if measured.status not in FINISHED:
        return f"it is {in_words(measured.status)}"
    if is_left_out(report.totals):
        return "its hardware was not found on the machine"
    if "model" not in report.totals.given or measured.cluster is None:
        return "no model= and hw= were given, so there is nothing to compare with"
    if (measured.workload.steps or 0) < LEAST_STEPS:
        return f"fewer than {LEAST_STEPS} steps were counted"
    if ratio is None:
        return "its steps hold other tokens than the estimate's: give batch_size= and seq_len="
    return ""


def _board_w(report: RunReport) -> float | None:
    """Mean power of one board [W], only from readings of an instrument."""
    measured = report.measurement
    if measured.cluster is None or measured.duration_h.mid <= 0:
        return None
    component = "cpu" if is_processor(report.totals.given.get("hw")) else "accelerators"
    total = report.totals.components.get(component)
    if total is None or total.how != "measured" or total.kwh <= 0 or total.seen_s <= 0:
        return None
    # seen seconds are summed over nodes, so this is the mean of one node
    node_w: float = equations.mean_power_w(total.kwh, total.seen_s / SECONDS_PER_HOUR)
    return node_w / max(1.0, measured.cluster.count / max(1, report.totals.nodes))


def offer(report: RunReport, folder: Path) -> str:
    """How later estimates take what a run measured, which is left in its folder; "" if it says nothing."""
    candidate = _candidate(report)
    if candidate.refused:
        return ""
    try:
        path = leave_as_anchor(folder, candidate.run_id, candidate.scenario)
    except (FootprintError, OSError):
        return ""
    given = report.totals.given
    here = folder.parent.absolute() == Path(runs_folder()).absolute() and folder.name == candidate.run_id
    name = candidate.run_id if here else _short(path)
    command = ["footprint", "estimate", "--model", str(given["model"]), "--hw", str(given["hw"])]
    for key in _SIZES:
        if given.get(key) is not None:
            command += [flag(key), f"{given[key]:g}" if isinstance(given[key], float) else str(given[key])]
    steps = given.get("total_steps") or report.measurement.workload.steps
    command += ["--steps", f"{steps:.0f}", "--anchor", name]
    return f"to narrow later estimates: {shlex.join(command)}"


def _short(path: Path) -> str:
    try:
        return f"./{path.absolute().relative_to(Path.cwd())}"
    except (ValueError, OSError):
        return str(path)


def keep(candidate: Candidate, *, overwrite: bool) -> Path:
    """Keep a candidate as an anchor in the user's folder.

    Raises:
        FootprintError: the run says nothing, or an anchor of that name is there.
    """
    if candidate.refused:
        raise FootprintError(f"run {candidate.run_id} cannot calibrate: {candidate.refused}")
    return keep_as_anchor(candidate.name, candidate.scenario, candidate.run_id, overwrite=overwrite)
