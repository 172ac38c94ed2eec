"""How a message names an option, so that each surface can spell it its own way.

A message writes an option as an argument of Python in backquotes: ``batch_size=``, or with a value
``ep=8``. Python users read it as it stands; the command line shows ``--batch-size`` and ``--ep 8``,
a scenario file its key. The text is searched for these names and never formatted, so a user's own
words are harmless in it.
"""

from __future__ import annotations

import re
from collections.abc import Container

_NAMED = r"`([a-z][a-z0-9_]*)=([^`]*)`"
_FLAGS = {"network_byte_per_s": "--network"}
"""Options whose flag is not their name with dashes."""


def flag(name: str) -> str:
    """The option of the command line that gives a field: ``--batch-size``."""
    return _FLAGS.get(name) or "--" + name.replace("_", "-")


def named_in(text: str) -> tuple[str, ...]:
    """The fields that a message names, in order, each once."""
    return tuple(dict.fromkeys(match[1] for match in re.finditer(_NAMED, text)))


def on_command_line(text: str) -> str:
    """The message with the flags of the command line: ``--batch-size``, ``--ep 8``, ``--force``."""

    def spell(match: re.Match[str]) -> str:
        value = match[2].strip("'\"")
        return flag(match[1]) if value in ("", "True") else f"{flag(match[1])} {value}"

    return re.sub(_NAMED, spell, text) if "`" in text else text


def in_file(text: str, keys: Container[str]) -> str:
    """The message with the keys of a file where it names what the file gives: ``ep = 8``."""

    def spell(match: re.Match[str]) -> str:
        if match[1] not in keys:
            return match[0]
        return f"{match[1]} = {match[2]}" if match[2] else match[1]

    return re.sub(_NAMED, spell, text)
