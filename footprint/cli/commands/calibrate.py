"""Use finished runs to narrow later estimates on the same hardware."""

from __future__ import annotations

from pathlib import Path

import click

from footprint.cli.shared.journals import folders_option, folders_or_default
from footprint.cli.shared.say import note, say
from footprint.errors import FootprintError
from footprint.plain_text import in_line

_EPILOG = """\b
Examples:
  footprint calibrate --dir footprint-runs --dry-run
  footprint calibrate --dir footprint-runs
  footprint estimate --model llama2-7b --hw a100:64 \\
      --anchor runs-a100-sxm4-80gb-bf16
  footprint anchor --remove runs-a100-sxm4-80gb-bf16

Only measured step times and measured board power count. Nothing uses an anchor unless
an estimate names it; --explain shows what it changed.
"""


@click.command(epilog=_EPILOG)
@folders_option("--from")
@click.option("--dry-run", is_flag=True, help="Only print what each run would change.")
@click.option("--overwrite", is_flag=True, help="Replace anchors of the same name.")
def command(folders: tuple[Path, ...], dry_run: bool, overwrite: bool) -> None:
    """Keep what finished runs measured as anchors for later estimates."""
    from footprint.tracking.report.archive import open_archive
    from footprint.tracking.report.calibration import candidates, keep

    archive = open_archive(folders_or_default(folders))
    saved = 0
    for candidate in candidates(archive.reports()):
        if candidate.refused:
            note(f"{candidate.run_id}: left out, {candidate.refused}")
            continue
        board = f", {candidate.board_w:.0f} W a board" if candidate.board_w is not None else ""
        say(f"{in_line(candidate.run_id)}: step time x{candidate.time_ratio:.3g} of predicted{board}")
        saved += 1
        if not dry_run:
            path = keep(candidate, overwrite=overwrite)
            say(f"  kept in {path}; use it with --anchor {candidate.name}")
    if not saved:
        raise FootprintError("none of these runs can be used: the reasons are above")
