"""Keep a measurement of your own stack, to narrow later estimates on it."""

from __future__ import annotations

from typing import Any

import click

from footprint.cli.shared.say import note_page, say
from footprint.cli.shared.scenario import field_option, given_fields, scenario_options
from footprint.plain_text import in_line

_EPILOG = """\b
Examples:
  footprint anchor --name ours --model llama2-7b --hw a100:64 \\
      --tokens-per-second 210k
  footprint estimate --model llama2-13b --hw a100:128 --anchor ours
  footprint anchor --list
  footprint anchor --show ours
  footprint anchor --remove ours

An anchor is a small TOML file; estimate --anchor FILE takes one from anywhere.
"""


@click.command(epilog=_EPILOG)
@click.option("--name", help="Name to keep the measurement under.")
@click.option("--list", "list_", is_flag=True, help="List the anchors kept.")
@click.option("--show", metavar="NAME", help="Show one anchor: measured over predicted step time.")
@click.option("--remove", metavar="NAME", help="Remove one anchor.")
@field_option("model", help="The model that was measured.")
@field_option("hw", help="What it was measured on.")
@scenario_options("workload", "method", "execution", "cluster", "known already")
@click.option("--overwrite", is_flag=True, help="Replace an anchor of the same name.")
@field_option("force", help="Accept an implausible measurement.")
def command(
    name: str | None, list_: bool, show: str | None, remove: str | None, overwrite: bool, **options: Any
) -> None:
    """Keep a measured step time or throughput of any config on your stack.

    The error of a step-time model is mostly bias between software stacks. A measurement shifts
    the estimates of the same chip and precision and narrows their interval.
    """
    from footprint.estimator import anchors

    if list_:
        for known in anchors.anchor_names():
            say(in_line(known))
        return
    if remove is not None:
        anchors.remove_anchor(remove)
        note_page(f"removed anchor {remove}")
        return
    if show is not None:
        _say(*anchors.read_anchor(show))
        return
    if name is None:
        raise click.UsageError("give --name and a measurement, or --list, --show NAME, --remove NAME")
    anchors.anchor_path(name)
    request = anchors.checked_measurement(given_fields(options), "command line")
    _say(name, request)
    path = anchors.keep_anchor(name, request, overwrite=overwrite)
    note_page(f"kept in {path}; use it with --anchor {name}")


def _say(name: str, request: Any) -> None:
    """Print the measured over the predicted step time of an anchor, in two lines."""
    from footprint.estimator.anchors import anchor_of

    anchor = anchor_of(name, request)
    say(f"{in_line(name)}: {request.model} on {request.hw}, {anchor.accelerator} in {anchor.precision}")
    say(f"  measured step time is {anchor.ratio:.3g} times the predicted one")
