"""Run a program, measure its energy, CO2e and cost, and pass its exit code through."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from footprint.cli.shared.formats import columns_option
from footprint.cli.shared.options import COUNT
from footprint.cli.shared.scenario import field_option

_EPILOG = """\b
Examples:
  footprint run -- python train.py
  footprint run --region FRA --csv runs.csv -- torchrun train.py
  footprint run --hw h100:8 --budget "50 kWh" --on-budget stop -- ./train.sh

The program keeps its terminal and its output. Exit code: the program's own, 128 + n
for a signal, 3 where the budget stopped it, 127 where there is no such program.
"""


@click.command(epilog=_EPILOG, context_settings={"ignore_unknown_options": True})
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
@field_option("model", help="Model that is trained, for an estimate to compare with.")
@field_option("hw", help="Accelerators, such as v100:8 (detected if not given).")
@field_option("region", help="Where the electricity comes from.")
@field_option("provider", help="Provider of prices and PUE.")
@field_option("pue")
@field_option("grid_g_per_kwh", help="Carbon intensity, instead of a region.")
@field_option("usd_per_hour")
@click.option("--csv", type=click.Path(path_type=Path), help="Report CSV to which rows are added.")
@columns_option()
@click.option("--budget", help="Limit such as '2 kWh', '1 kgCO2e', '$50' or '3h'.")
@click.option("--budget-over", type=click.Path(path_type=Path), help="Folder of runs the budget covers.")
@click.option("--on-budget", type=click.Choice(["warn", "stop"]), default="warn", help="Action at the limit.")
@click.option("--meter", default="codecarbon", help="codecarbon, constant:250W (the node) or none.")
@click.option(
    "--absent-hardware", type=click.Choice(["exclude", "model"]),
    help="Accelerators of --hw that are not on this machine: in no total (default), or modelled.",
)  # fmt: skip
@click.option("--journal-dir", type=click.Path(path_type=Path), help="Where journals go (./footprint-runs).")
@click.option("--flush-s", type=COUNT, default=5.0, help="Seconds between journal lines.")
@click.option("--run-id", help="Name of the run; the same name again continues it.")
@field_option("name", help="A title for reports.")
@click.option("--quiet", is_flag=True, help="No line at the start and the end.")
def command(program: tuple[str, ...], **options: Any) -> None:
    """Run PROGRAM with its arguments and measure it."""
    from footprint.tracking import make_run_settings
    from footprint.tracking.run.supervised_program import Supervised

    settings = make_run_settings(**{key: value for key, value in options.items() if value is not None})
    sys.exit(Supervised(settings, program).execute())
