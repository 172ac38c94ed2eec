"""Use finished runs to narrow later estimates on the same hardware."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from footprint.cli.shared.formats import format_option, show
from footprint.cli.shared.journals import folders_option, folders_or_default
from footprint.cli.shared.say import note
from footprint.errors import FootprintError
from footprint.plain_text import in_line

_EPILOG = """\b
Examples:
  footprint calibrate --dir footprint-runs --dry-run
  footprint calibrate --dir footprint-runs
  footprint estimate --model llama2-7b --hw a100:64 \\
      --anchor runs-a100-sxm4-80gb-bf16
  footprint anchor --remove runs-a100-sxm4-80gb-bf16

Only measured step times, board power and peaks of memory count. Nothing uses an anchor unless
an estimate names it; --explain shows what it changed.
"""


@click.command(epilog=_EPILOG)
@folders_option("--from")
@click.option("--dry-run", is_flag=True, help="Only print what each run would change.")
@format_option("calibration")
@click.option("--overwrite", is_flag=True, help="Replace anchors of the same name.")
def command(folders: tuple[Path, ...], dry_run: bool, format_: str, overwrite: bool) -> None:
    """Keep what finished runs measured as anchors for later estimates."""
    from footprint.reports.formats import Answer
    from footprint.tracking.report.archive import open_archive
    from footprint.tracking.report.calibration import candidates, keep

    archive = open_archive(folders_or_default(folders))
    records = []
    for candidate in candidates(archive.reports()):
        if candidate.refused:
            note(f"{candidate.run_id}: left out, {candidate.refused}")
            continue
        path = None if dry_run else str(keep(candidate, overwrite=overwrite))
        records.append(
            {
                "run_id": candidate.run_id,
                "anchor": candidate.name,
                "step_time_ratio": candidate.time_ratio,
                "board_w": candidate.board_w,
                "memory_gib": candidate.peak_gib,
                "file": path,
            }
        )
    if not records:
        raise FootprintError("none of these runs can be used: the reasons are above")
    answer = Answer(
        kind="calibration", text=lambda: "\n".join(map(_line, records)), data=lambda: records,
        rows=lambda: records, table=lambda: records, schema="footprint/calibration/1",
    )  # fmt: skip
    show(answer, format_)


def _line(record: dict[str, Any]) -> str:
    board = f", {record['board_w']:.0f} W a board" if record["board_w"] is not None else ""
    peak = f", {record['memory_gib']:.3g} GiB at the peak" if record["memory_gib"] is not None else ""
    kept = f"\n  kept in {record['file']}; use it with --anchor {record['anchor']}" if record["file"] else ""
    ratio = f"step time x{record['step_time_ratio']:.3g} of predicted"
    return f"{in_line(record['run_id'])}: {ratio}{board}{peak}{kept}"
