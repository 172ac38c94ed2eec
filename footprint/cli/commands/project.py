"""Add up all runs of a project before it begins, and write the page to publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footprint.cli.shared.formats import answer_options, settled, show
from footprint.cli.shared.limits import limit_options, limits_of
from footprint.cli.shared.options import FILE
from footprint.cli.shared.own_facts import OF_PLACE, ignore_option, with_own_facts
from footprint.cli.shared.say import note
from footprint.cli.shared.scenario_options import SectionedCommand, given_fields, scenario_options

if TYPE_CHECKING:
    from pathlib import Path

    from footprint.projects.record import Project
    from footprint.reports.formats import Answer

_EPILOG = """\b
Examples:
  footprint project project.toml
  footprint project project.toml --region SWE --fail-over '2 tCO2e'
  footprint project project.toml --preregister page.html --plot project.png

\b
A project.toml lists its runs; place and price options replace those of all:
  name = "A model of our language"
  [common]
  region = "FRA"
  hw = "h100:64"
  [[runs]]
  name = "pre-training"
  model = "gpt3-1.3b"
  tokens = "300B"
  failed_share = 0.1
  [[runs]]
  name = "ablations"
  from = "pre-training"
  count = 20
  tokens = "10B"
  [[runs]]
  name = "serving"
  model = "llama3.1-8b"
  hw = "h100:8"
  prompt_tokens = 512
  output_tokens = 256
  requests = "10M"

Exit code: 0 done, 2 bad input, 3 over the limit of --fail-over.
"""


@click.command(cls=SectionedCommand, epilog=_EPILOG)
@click.argument("file", type=FILE)
@scenario_options("place", "price")
@ignore_option
@answer_options("project")
@click.option("--plot", type=FILE, help="Draw the runs and their total (.png, .svg, .pdf).")
@click.option("--preregister", type=FILE, help="Write the page to publish before the runs (.md, .html).")
@click.option("--save", type=FILE, help="Write the project with each run's fields in full (.toml).")
@click.option("--quiet", is_flag=True, help="No warnings.")
@limit_options()
def command(
    file: Path,
    ignore_defaults: bool,
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    plot: Path | None,
    preregister: Path | None,
    save: Path | None,
    quiet: bool,
    fail_over: tuple[str, ...],
    fail_over_bound: str | None,
    **options: Any,
) -> None:
    """Add up what all runs of a project will cost.

    Pre-training, ablations, searches, failures, fine-tuning, evaluation and serving, each with its 90 %
    interval. In the total an error that two runs share adds up; independent ones average out.
    """
    from footprint.projects import project
    from footprint.reports.files import require_writable

    limits = limits_of(fail_over, fail_over_bound)
    format_, output = settled(format_, output, "project")
    ending = preregister.suffix.lower() if preregister is not None else ""
    if preregister is not None and ending not in (".md", ".html"):
        raise click.UsageError("--preregister writes Markdown or HTML: end the name in .md or .html")
    require_writable(output, plot, preregister, save, overwrite=overwrite)
    given = given_fields(options)
    own = with_own_facts({}, ignore=ignore_defaults, quiet=quiet, names=OF_PLACE)
    result = project(file, defaults=own, **given)
    if save is not None:
        from footprint.reports.scenario import save_project

        save_project(result, save, overwrite=overwrite)
    if plot is not None:
        result.plot(plot, overwrite=overwrite)
    if preregister is not None:
        from footprint.reports.files import write_new

        if ending == ".html":
            from footprint.reports.page.project_page import project_page as page
        else:
            from footprint.reports.decisions.preregistration import page
        write_new(preregister, page(result), overwrite=overwrite)
        note(f"wrote {preregister}")
    show(_answer(result, overwrite), format_, output, overwrite=overwrite)
    for warning in () if quiet else result.warnings:
        note(f"warning: {warning}")
    if limits:
        from footprint.reports.gate import require_project_within

        require_project_within(result, limits, fail_over_bound or "mid")


def _answer(result: Project, overwrite: bool) -> Answer:
    from footprint.projects.record import SCHEMA
    from footprint.reports.decisions.project_text import render, render_markdown, rows_of
    from footprint.reports.files import write_new
    from footprint.reports.formats import Answer
    from footprint.results.rows import csv_text

    def append(path: Path) -> str:
        write_new(path, csv_text(rows_of(result), schema=SCHEMA), overwrite=overwrite)
        return f"wrote {len(result.rows)} runs and their total to {path}"

    return Answer(
        kind="project", text=lambda: render(result), data=result.to_json,
        markdown=lambda: render_markdown(result), rows=lambda: rows_of(result), append=append,
        schema=SCHEMA, subject=result, warnings=tuple(result.warnings),
    )  # fmt: skip
