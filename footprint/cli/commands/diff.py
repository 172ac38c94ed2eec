"""Show what a change does: inputs, hours, kWh, CO2e and USD of two records, with shared errors cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from footprint.cli.shared.formats import answer_options, show
from footprint.cli.shared.given_record import find_record
from footprint.cli.shared.journals import folders_option
from footprint.cli.shared.limits import limit_options, limits_of

if TYPE_CHECKING:
    from pathlib import Path

_EPILOG = """\b
Examples:
  footprint estimate --model bert-base --hw v100:8 -o old.json
  footprint estimate --model bert-base --hw h100:8 -o new.json
  footprint diff old.json new.json
  footprint diff old.json new.json --format github-comment -o comment.md
  footprint diff old.json new.json --fail-over "10 kgCO2e"

Both must be estimates, or both runs. An estimate's JSON holds its scenario: both
are computed again, so that what they share cancels in the factor.
Exit code: 0 done, 2 bad input, 3 the second is over the limit of --fail-over.
"""


@click.command(epilog=_EPILOG)
@click.argument("before", metavar="FILE|RUN")
@click.argument("after", metavar="FILE|RUN")
@folders_option()
@answer_options("difference")
@limit_options("Exit 3 if the second is above a limit: '2 MWh', '10 kgCO2e', '$500', '3d'.")
def command(
    before: str,
    after: str,
    folders: tuple[Path, ...],
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    fail_over: tuple[str, ...],
    fail_over_bound: str | None,
) -> None:
    """Show what changed from one record to another.

    FILE is the JSON of an estimate or a measurement, RUN a recorded run.
    """
    from footprint.reports.decisions.difference_text import answer_of, between
    from footprint.reports.exports import as_filed

    limits = limits_of(fail_over, fail_over_bound)
    one, other = (as_filed(find_record(name, folders)) for name in (before, after))
    show(answer_of(between(one, other)), format_, output, overwrite=overwrite)
    if limits:
        from footprint.reports.gate import require_filed_within

        require_filed_within(other, limits, fail_over_bound or "mid")
