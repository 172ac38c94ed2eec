"""All that a command prints goes through here, so that no text of a stranger reaches the terminal raw."""

from __future__ import annotations

import sys

import click

from footprint.plain_text import escaped, in_line
from footprint.spelling import on_command_line

LONGEST = 2_000
"""Characters of a message; what was wrong with a longer one is said at its ends."""


def say(page: str) -> None:
    """Print an answer on standard output; a line break at its end is not doubled."""
    click.echo(escaped(page), nl=not page.endswith("\n"))


def note(message: str) -> None:
    """Print a message on standard error, in the spelling of the command line."""
    _echo(f"footprint: {_cut(in_line(on_command_line(message)))}")


def note_page(page: str) -> None:
    """Print several lines on standard error as they are, such as what click says of a wrong option."""
    _echo("\n".join(map(_cut, escaped(page).split("\n"))))


def _echo(text: str) -> None:
    """Print on standard error: folded for who reads it on a terminal, in whole lines for a program."""
    if sys.stderr is not None and sys.stderr.isatty():
        from footprint.results.human import folded

        text = folded(text)
    click.echo(text, err=True)


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 500]} ... {line[-490:]}"
