"""Keep a measurement of your own stack, to narrow later estimates on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from footprint.cli.shared.formats import format_option, show
from footprint.cli.shared.say import note, note_page
from footprint.cli.shared.scenario_options import field_option, given_fields, scenario_options
from footprint.plain_text import in_line
from footprint.spelling import on_command_line

_EPILOG = """\b
Examples:
  footprint anchor --name ours --model llama2-7b --hw a100:64 \\
      --tokens-per-second 210k
  footprint estimate --model llama2-13b --hw a100:128 --anchor ours
  footprint anchor --name fsdp --model llama2-7b --hw a100:8 --dp 8 --zero 3 \\
      --micro-batch 1 --recompute none --memory-gib 41.5
  footprint anchor --list
  footprint anchor --show ours --format json
  footprint anchor --remove ours

An anchor is a small TOML file; estimate --anchor FILE takes one from anywhere.
"""


@click.command(epilog=_EPILOG)
@click.option("--name", help="Name to keep the measurement under.")
@click.option("--list", "list_", is_flag=True, help="List the anchors kept.")
@click.option("--show", "shown", metavar="NAME", help="Show one anchor: measured over predicted.")
@click.option("--remove", metavar="NAME", help="Remove one anchor.")
@field_option("model", help="The model that was measured.")
@field_option("hw", help="What it was measured on.")
@scenario_options("workload", "method", "execution", "cluster", "known already")
@format_option("anchors")
@click.option("--overwrite", is_flag=True, help="Replace an anchor of the same name.")
@field_option("force", help="Accept an implausible measurement.")
def command(
    name: str | None,
    list_: bool,
    shown: str | None,
    remove: str | None,
    format_: str,
    overwrite: bool,
    **options: Any,
) -> None:
    """Keep a measured step time, throughput or peak memory of any config on your stack.

    The error of a step-time model is mostly bias between software stacks. A measurement shifts
    the estimates of the same chip and precision and narrows their interval.
    """
    from footprint.estimator import anchors

    if list_:
        _show(
            [{"name": known} for known in anchors.anchor_names()], lambda one: in_line(one["name"]), format_
        )
        return
    if remove is not None:
        anchors.remove_anchor(remove)
        note_page(f"removed anchor {remove}")
        return
    if shown is not None:
        _show([_record(*anchors.read_anchor(shown))], _ratio, format_)
        return
    if name is None:
        raise click.UsageError("give --name and a measurement, or --list, --show NAME, --remove NAME")
    anchors.anchor_path(name)
    request = anchors.checked_measurement(given_fields(options), "command line")
    _show([_record(name, request)], _ratio, format_)
    path = anchors.keep_anchor(name, request, anchors.measured_by(name, request), overwrite=overwrite)
    note_page(f"kept in {path}; use it with --anchor {name}")


def _record(name: str, request: Any) -> dict[str, Any]:
    from footprint.estimator.anchors import measured_by

    measured = measured_by(name, request)
    for warning in measured.warnings:
        note(on_command_line(warning))
    return {
        "name": name,
        "model": request.model,
        "hw": request.hw,
        "accelerator": measured.job.accelerator,
        "precision": measured.job.precision,
        "step_time_ratio": None if measured.time is None else measured.time.ratio,
        "memory_ratio": None if measured.memory is None else measured.memory.ratio,
    }


def _ratio(record: dict[str, Any]) -> str:
    """Measured over predicted step time and memory, a line each."""
    lines = [
        f"{in_line(record['name'])}: {record['model']} on {record['hw']}, {record['accelerator']} in"
        f" {record['precision']}"
    ]
    for key, what in (("step_time_ratio", "step time"), ("memory_ratio", "memory")):
        if record[key] is not None:
            lines.append(f"  measured {what} is {record[key]:.3g} times the predicted one")
    return "\n".join(lines)


def _show(records: list[dict[str, Any]], line: Callable[[dict[str, Any]], str], format_: str) -> None:
    from footprint.reports.formats import Answer

    answer = Answer(
        kind="anchors", text=lambda: "\n".join(map(line, records)), data=lambda: records,
        rows=lambda: records, table=lambda: records, schema="footprint/anchors/1",
    )  # fmt: skip
    show(answer, format_)
