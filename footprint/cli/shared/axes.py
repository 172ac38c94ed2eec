"""Options of a grid of scenarios: each field of a scenario, as text that may hold a list or a range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from footprint.cli.shared.options import type_of
from footprint.cli.shared.scenario_options import OUTPUT, field_option
from footprint.estimator.fields import FLAG
from footprint.estimator.request import FIELDS
from footprint.plain_text import in_line
from footprint.spelling import on_command_line

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem


class Listed(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """The text of a field that may hold several values; it is read with all others."""

    def __init__(self, field: Any) -> None:
        self._of_one = type_of(field)
        self.name = field.kind.word

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text as it is."""
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """What completes the last value of the list."""
        from click.shell_completion import CompletionItem

        if not isinstance(self._of_one, click.ParamType):
            return []
        head, comma, last = incomplete.rpartition(",")
        found = self._of_one.shell_complete(ctx, param, last)
        return [CompletionItem(f"{head}{comma}{one.value}", type=one.type) for one in found]


def axis_options(function: Any) -> Any:
    """A decorator that adds the option of every field of a scenario; flags hold for every row."""
    for name in reversed(FIELDS):
        field = FIELDS[name]
        if field.section == OUTPUT:
            continue
        if field.kind is FLAG:
            function = field_option(name)(function)
            continue
        metavar = "|".join(field.choices) if field.choices else field.kind.word.upper()
        function = click.option(
            field.flag, name, type=Listed(field), metavar=f"{metavar},...", multiple=True,
            help=on_command_line(field.help),
        )(function)  # fmt: skip
    return function


def given_axes(
    options: Mapping[str, Any], files: Sequence[Path]
) -> tuple[dict[str, list[Any]], dict[str, Any], list[dict[str, Any]]]:
    """Axes, fixed fields and further scenarios, from what the command line says.

    The fields of a file may hold lists and ranges, too, and options replace them. One file is the axes and
    the fixed fields itself; of several, each is a scenario.
    """
    from footprint.decisions.axes import axes_in, axes_of
    from footprint.reports.scenario import read_fields

    for path in files:
        if not path.suffix and not path.exists():
            raise click.UsageError(
                f"{in_line(str(path))}: no such file; several values of an option are written with commas, "
                "such as --hw v100:8,h100:8"
            )
    read = [axes_in(read_fields(path), str(path)) for path in files]
    axes, fixed = read.pop() if len(read) == 1 else ({}, {})
    flags = {name: True for name, value in options.items() if value is True}
    own_axes, own = axes_of({name: texts for name, texts in options.items() if texts and name not in flags})
    own |= flags
    given = own_axes.keys() | own.keys()
    axes = {name: values for name, values in axes.items() if name not in given} | own_axes
    fixed = {name: value for name, value in fixed.items() if name not in given} | own
    return axes, fixed, [{**fields, **lists} for lists, fields in read]
