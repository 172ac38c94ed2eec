"""The options of a scenario, made from its fields, for the commands that take one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import click

from footprint.cli import OwnHelp
from footprint.cli.shared.options import type_of
from footprint.estimator.fields import CHOICE, FLAG, JOINED, Field, is_set, joined
from footprint.estimator.request import FIELDS
from footprint.spelling import on_command_line

WHAT, OUTPUT = "what and where", "output"
SECTIONS = tuple(
    dict.fromkeys(field.section for field in FIELDS.values() if field.section not in (WHAT, OUTPUT))
)
"""The sections of a scenario's options, without those that each command places itself."""


class SectionedCommand(OwnHelp):
    """A command whose help page groups its options under the sections of the fields."""

    placed: ClassVar[dict[str, str]] = {}
    """Sections of options by name; without one a field has its own, and everything else is output."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section."""
        grouped: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and record[1]:  # an argument has no help
                name = param.name or ""
                title = self.placed.get(name) or (FIELDS[name].section if name in FIELDS else OUTPUT)
                grouped.setdefault(title, []).append(record)
        for title, rows in grouped.items():
            with formatter.section(title.capitalize()):
                formatter.write_dl(rows)


def field_option(name: str, table: Mapping[str, Field] = FIELDS, **changes: Any) -> Callable[[Any], Any]:
    """The option of one field; ``changes`` replace its settings (``help``, ``default``) in this command."""
    field = table[name]
    settings: dict[str, Any] = {"help": on_command_line(field.help)}
    if field.kind is FLAG:
        settings["is_flag"] = True
    else:
        settings |= {"type": type_of(field), "metavar": field.kind.word.upper()}
    if name in JOINED:
        settings |= {"multiple": True, "callback": _as_one}
    if field.kind is CHOICE:
        del settings["metavar"]  # click prints the choices instead
    return click.option(field.flag, name, **settings | changes)


def _as_one(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> object:
    """The values of an option that may be repeated, as the text of its field; None if there are none."""
    return joined(values) if values else None


def scenario_options(*sections: str) -> Callable[[Any], Any]:
    """A decorator that adds the options of these sections, in order."""

    def decorate(function: Any) -> Any:
        for name in reversed(FIELDS):
            if FIELDS[name].section in sections:
                function = field_option(name)(function)
        return function

    return decorate


def given_fields(options: dict[str, Any]) -> dict[str, Any]:
    """The scenario fields that were set on the command line."""
    return {name: value for name, value in options.items() if is_set(value)}
