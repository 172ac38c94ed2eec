"""Rank the cloud regions that offer a chip by the CO2e of a run, and price what is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from footprint.cli.shared.formats import answer_options, show
from footprint.cli.shared.limits import limit_options, limits_of
from footprint.cli.shared.options import FILE
from footprint.cli.shared.own_facts import ignore_option, with_own_facts
from footprint.cli.shared.say import note
from footprint.cli.shared.scenario_options import (
    SECTIONS,
    SectionedCommand,
    field_option,
    given_fields,
    scenario_options,
)
from footprint.estimator.request import FIELDS

if TYPE_CHECKING:
    from pathlib import Path

    from footprint.decisions.ranking import Ranking
    from footprint.decisions.when.record import Timing
    from footprint.reports.formats import Answer

_EPILOG = """\b
Examples:
  footprint rank --model llama2-7b --hw h100:8 --tokens 100B
  footprint rank --model bert-base --hw a100:8 --keep-in EU
  footprint rank --model bert-base --hw a100:8 --max-g-per-kwh 100 \\
      --baseline-region aws:us-east-1
  footprint rank --model bert-base --hw a100:8 --when monthly --region FRA
  footprint rank --model bert-base --hw a100:8 --when hours.csv \\
      --deadline 5d --resume-hours 0.25
  footprint rank --model bert-base --hw a100:8 --move-gb 500 \\
      --egress-usd-per-gb 0.09 --baseline-region aws:us-east-1

--when asks for the best time instead of the best place. Its CSV has the columns
time,g_per_kwh: one line an hour (or another step), times in UTC.

Exit code: 0 done, 2 bad input, 3 a row is over the limit of --fail-over.
"""


@click.command(cls=SectionedCommand, epilog=_EPILOG)
@field_option("model")
@field_option("hw")
@scenario_options(*(section for section in SECTIONS if section not in ("place", "price")))
@field_option("year")
@field_option("purchase")
@click.option("--baseline-region", help="Region that others are compared with (the cheapest).")
@click.option("--keep-in", help="Only regions of a country, the EU or a continent.")
@click.option(
    "--max-usd-per-hour", type=float, help="Leave out offers that cost more [USD an accelerator-hour]."
)
@click.option("--max-g-per-kwh", type=float, help="Leave out regions whose grid emits more [g/kWh].")
@click.option("--move-gb", type=float, help="Data that has to move out of the baseline region [GB].")
@click.option("--egress-usd-per-gb", type=float, help="Price of moving one GB [USD].")
@click.option("--when", metavar="FILE|monthly", help="Find the best time instead of the best place.")
@field_option("region", help="With --when: where the run is.")
@click.option("--deadline", metavar="TIME|HOURS", help="With --when: the run ends by then.")
@click.option(
    "--resume-hours", type=float, help="With --when: the run may pause, and each resumption takes so long."
)
@click.option("--from", "from_", type=FILE, help="Read the run of a scenario; options override it.")
@field_option("force")
@ignore_option
@answer_options("ranking")
@click.option("--plot", type=FILE, help="Draw the rows with their intervals (.png, .svg, .pdf).")
@click.option("--save", type=FILE, help="Write the run to a TOML file, for --from.")
@click.option("--quiet", is_flag=True, help="No warnings.")
@limit_options("Exit 3 where a row is above a limit: '10 kgCO2e', '$500'.", bound=False)
def command(
    baseline_region: str | None,
    keep_in: str | None,
    max_usd_per_hour: float | None,
    max_g_per_kwh: float | None,
    move_gb: float | None,
    egress_usd_per_gb: float | None,
    when: str | None,
    deadline: str | None,
    resume_hours: float | None,
    from_: Path | None,
    ignore_defaults: bool,
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    plot: Path | None,
    save: Path | None,
    quiet: bool,
    fail_over: tuple[str, ...],
    **options: Any,
) -> None:
    """Rank the regions with a dated offer of a chip, the least CO2e first.

    Against a baseline: CO2e saved, USD added, and USD for each tonne saved.
    """
    from footprint.decisions.ranking import FOUND_OUT
    from footprint.estimator.fields import missing_hw
    from footprint.estimator.request import EstimateRequest
    from footprint.reports.files import require_writable
    from footprint.reports.scenario import read_place

    limits = limits_of(fail_over)
    require_writable(plot, save, overwrite=overwrite)
    # A ranking of places finds the region out; only a ranking of times is told it.
    found_out = () if when is not None else FOUND_OUT
    if from_ is not None:
        fields, left_out = read_place(from_, given_fields(options), found_out)
        if left_out and not quiet:
            note(f"{from_}: {', '.join(left_out)} left out: that is what a ranking finds out")
    else:
        names = [name for name in FIELDS if name not in found_out]
        fields = with_own_facts(given_fields(options), ignore=ignore_defaults, quiet=quiet, names=names)
    if "hw" not in fields:
        raise missing_hw()
    if when is not None:
        of_places = {
            "baseline-region": baseline_region, "keep-in": keep_in, "max-usd-per-hour": max_usd_per_hour,
            "max-g-per-kwh": max_g_per_kwh, "move-gb": move_gb,
        }  # fmt: skip
        _require_none(of_places)
        from footprint.decisions.when import best_times

        found: Ranking | Timing = best_times(
            when=when, deadline=deadline, resume_hours=resume_hours, **fields
        )
    else:
        if deadline is not None or resume_hours is not None:
            raise click.UsageError("--deadline and --resume-hours belong to --when")
        from footprint.decisions.ranking import rank

        found = rank(
            baseline_region=baseline_region, keep_in=keep_in, max_usd_per_hour=max_usd_per_hour,
            max_g_per_kwh=max_g_per_kwh, move_gb=move_gb, egress_usd_per_gb=egress_usd_per_gb, **fields,
        )  # fmt: skip
    if save is not None:
        from footprint.reports.scenario import save_scenario

        save_scenario(EstimateRequest.from_mapping(fields, "command line"), save, overwrite=overwrite)
    if plot is not None:
        found.plot(plot, overwrite=overwrite)
    show(_answer(found, overwrite), format_, output, overwrite=overwrite)
    for warning in () if quiet else found.warnings:
        note(f"warning: {warning}")
    if limits:
        from footprint.reports.gate import require_each_within

        require_each_within(found, limits)


def _require_none(of_places: Mapping[str, object]) -> None:
    """Raise UsageError if an option of a ranking of places was given to one of times."""
    for name, given in of_places.items():
        if given is not None:
            raise click.UsageError(f"--{name} ranks places, and --when times: give one")


def _answer(found: Ranking | Timing, overwrite: bool) -> Answer:
    from footprint.decisions import ranking
    from footprint.decisions.when import record
    from footprint.reports.decisions import ranking_text, timing_text
    from footprint.reports.files import write_new
    from footprint.reports.formats import Answer
    from footprint.results.rows import csv_text

    if isinstance(found, ranking.Ranking):
        kind, schema, text = "ranking", ranking.SCHEMA, ranking_text.render(found)
        rows, markdown = ranking_text.rows_of(found), ranking_text.render_markdown(found)
    else:
        kind, schema, text = "timing", record.SCHEMA, timing_text.render(found)
        rows, markdown = timing_text.rows_of(found), timing_text.render_markdown(found)

    def append(path: Path) -> str:
        write_new(path, csv_text(rows, schema=schema), overwrite=overwrite)
        return f"wrote {len(rows)} rows to {path}"

    return Answer(
        kind=kind, text=lambda: text, data=found.to_json, markdown=lambda: markdown, rows=lambda: rows,
        table=lambda: rows, append=append, schema=schema, subject=found, warnings=tuple(found.warnings),
    )  # fmt: skip
