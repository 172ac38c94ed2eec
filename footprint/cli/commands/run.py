"""Run a program, measure its energy, CO2e and cost, and pass its exit code through."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from footprint.cli.shared.formats import columns_option
from footprint.cli.shared.journals import csv_option, folder_option
from footprint.cli.shared.options import COUNT
from footprint.cli.shared.own_facts import OF_PLACE, ignore_option, with_own_facts
from footprint.cli.shared.scenario_options import (
    SECTIONS,
    SectionedCommand,
    field_option,
    given_fields,
    scenario_options,
)
from footprint.estimator.request import FIELDS
from footprint.vocabulary import ABSENT_HARDWARE, ON_BUDGET

_EPILOG = """\b
Examples:
  footprint run -- python train.py
  footprint run --region FRA -o runs.csv -- torchrun train.py
  footprint run --model config.json --batch-size 64 --seq-len 2048 \\
      --method lora --steps 10k -- python train.py
  footprint run --hw h100:8 --budget "50 kWh" --on-budget stop -- ./train.sh

The steps of a PyTorch program are counted as it is, and one is traced for its
operations, unless --model says what is trained. --steps, --tokens or --samples
say where the run ends, for its estimate and a forecast.
The program keeps its terminal and its output. Exit code: the program's own, 128 + n
for a signal, 3 where the budget stopped it, 127 where there is no such program.
"""
_OF_TRACK = {"steps": "total_steps", "tokens": "total_tokens"}
"""Fields of an estimate that have another name in a run."""

_SETTINGS = {"allow_interspersed_args": False}
"""What follows the program's name is the program's own, ``--steps`` and ``-o`` too."""


@click.command(cls=SectionedCommand, epilog=_EPILOG, context_settings=_SETTINGS)
@click.argument("program", nargs=-1, required=True, type=click.UNPROCESSED)
@field_option("model", help="Model that is trained (traced if not given).")
@field_option("hw", help="Accelerators, such as v100:8 (detected if not given).")
@scenario_options(*SECTIONS)
@csv_option("Report CSV to which rows are added.")
@columns_option()
@click.option("--budget", help="Limit such as '2 kWh', '1 kgCO2e', '$50' or '3h'.")
@click.option("--budget-over", type=click.Path(path_type=Path), help="Folder of runs that share the budget.")
@click.option(
    "--on-budget",
    type=click.Choice(ON_BUDGET),
    default="warn",
    help="What happens at the limit (warn).",
)
@click.option("--meter", default="codecarbon", help="codecarbon, constant:250W (the node) or none.")
@click.option(
    "--absent-hardware", type=click.Choice(ABSENT_HARDWARE),
    help="Accelerators of --hw that are not on this machine: in no total (default), or modelled.",
)  # fmt: skip
@folder_option("Where journals go (./footprint-runs).")
@click.option("--flush-s", type=COUNT, default=5.0, help="Seconds between journal lines.")
@click.option("--run-id", help="Name of the run; the same name again continues it.")
@field_option("name", help="A title for reports.")
@click.option("--no-hooks", is_flag=True, help="Do not count the program's steps by torch's hooks.")
@ignore_option
@click.option("--quiet", is_flag=True, help="Say nothing at the start and at the end.")
def command(program: tuple[str, ...], no_hooks: bool, ignore_defaults: bool, **options: Any) -> None:
    """Run PROGRAM with its arguments and measure it.

    Options that describe the training are those of `footprint estimate`.
    """
    from footprint.tracking import make_run_settings
    from footprint.tracking.run.supervised_program import Supervised

    options = with_own_facts(options, ignore=ignore_defaults, quiet=options["quiet"], names=OF_PLACE)
    settings = make_run_settings(**settings_of(options))
    sys.exit(Supervised(settings, program, hooks=not no_hooks).execute())


def settings_of(options: dict[str, Any]) -> dict[str, Any]:
    """The options as arguments of a run.

    Raises FootprintError for fields of an estimate that contradict each other.
    """
    from footprint.estimator.request import EstimateRequest

    fields = given_fields({name: value for name, value in options.items() if name in FIELDS})
    EstimateRequest.from_mapping({"hw": "any", **fields}, "footprint run")
    others = {name: value for name, value in options.items() if name not in FIELDS and value is not None}
    return others | {_OF_TRACK.get(name, name): value for name, value in fields.items()}
