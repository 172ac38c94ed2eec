"""Facts that a user says once (docs/own-facts.md), for the commands that take fields of a scenario."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import click

from footprint.cli.shared.say import note
from footprint.estimator.fields import is_set
from footprint.estimator.request import FIELDS

OF_PLACE = tuple(name for name, field in FIELDS.items() if field.section in ("place", "price"))
"""Facts that hold for whatever runs here; what is trained, and on what, is seen on the machine."""

ignore_option = click.option(
    "--ignore-defaults", is_flag=True, help="Take no fields from pyproject.toml or your defaults.toml."
)


def with_own_facts(
    fields: Mapping[str, Any],
    *,
    ignore: bool,
    quiet: bool,
    names: Collection[str] = FIELDS,
    axes: Mapping[str, Sequence[Any]] | None = None,
) -> dict[str, Any]:
    """Fields of a command with the user's own facts where they say nothing, named in a note.

    Only facts that are options of the command and in ``names`` are taken. ``axes`` are fields with several
    values: a fact that contradicts one of them is left out.

    Raises FootprintError, which names the file, for an unknown or impossible fact.
    """
    if ignore:
        return dict(fields)
    from footprint.estimator.resolve.own_facts import own_facts

    axes = axes or {}
    first = {name: value for name, value in fields.items() if name in names and is_set(value)}
    first |= {name: values[0] for name, values in axes.items() if values}
    facts = own_facts(first)
    options = {param.name for param in click.get_current_context().command.params}
    taken = {name for name in facts.values if name in names and name in options}
    for name, values in axes.items() if taken else ():
        for value in values[1:]:
            taken &= own_facts({**first, name: value}).values.keys()
    for file in () if quiet else dict.fromkeys(facts.files.values()):
        said = [
            f"{FIELDS[name].flag} {facts.shown(name)}"
            for name in facts.values
            if name in taken and facts.files[name] == file
        ]
        if said:
            note(f"from {file}: {' '.join(said)} (--ignore-defaults leaves these out)")
    return {**fields, **{name: facts.values[name] for name in taken}}
