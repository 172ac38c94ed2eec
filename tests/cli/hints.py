"""Which options a command names in its messages that it does not have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import click

from footprint.cli import group

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
ELSEWHERE = re.compile(r"footprint ([a-z]+(?: [a-z]+)*)[^;,()]* $")
"""Another command, of which the option that follows is."""
REPLACED_BY = re.compile(r"\[--[^\]]*\]")
"""The options that replace an assumption, as a table prints them."""
OF_SACCT = re.compile(r"\bsacct\b[^;]*$")
OF_SBATCH = {"slurm": "--exclusive"}


@cache
def options_of(path: tuple[str, ...]) -> frozenset[str]:
    """The options of a command; of a group, those of all that are in it."""
    command: click.Command = group
    for name in path:
        if isinstance(command, click.Group):
            command = command.get_command(click.Context(command), name) or command
    found = {"--help", "--version"}
    if isinstance(command, click.Group) and command is not group:
        for name in command.list_commands(click.Context(command)):
            found |= options_of((*path, name))
    return frozenset(found.union(*(param.opts + param.secondary_opts for param in command.params)))


def foreign(arguments: Sequence[str], out: str, err: str) -> list[str]:
    """Options that are named to the user, but neither the command has nor the user wrote."""
    first = next((place for place, word in enumerate(arguments) if word.startswith("-")), len(arguments))
    own = options_of(tuple(arguments[:first][:2]))
    written = " ".join(arguments)
    found: dict[str, None] = {}
    for text in (err, *REPLACED_BY.findall(out)):
        for match in OPTION.finditer(text):
            name = match[0]
            before = text[: match.start()]
            if OF_SACCT.search(before):
                continue
            other = ELSEWHERE.search(before)
            has = own if other is None else options_of(tuple(other[1].split()))
            if name not in has and name not in written and OF_SBATCH.get(arguments[0]) != name:
                found[name] = None
    return list(found)
