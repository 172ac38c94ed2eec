"""Print the skill file for agents: which command to use when, the JSON, the exit codes."""

from __future__ import annotations

import click

from footprint.cli.shared.say import say

_EPILOG = """\b
Examples:
  footprint skill
  mkdir -p skills/footprint && footprint skill > skills/footprint/SKILL.md
"""


@click.command(epilog=_EPILOG)
def command() -> None:
    """Print how a program or a language model should use this command.

    It is Markdown with a name and a description at its head, as agents read skills.
    """
    from footprint.catalog.files import read_text

    say(read_text(__file__.removesuffix("commands/skill.py") + "skill.md"))
