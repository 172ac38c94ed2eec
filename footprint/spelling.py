"""How a message names an option, so that each surface can spell it its own way.

A message writes an option as an argument of Python in backquotes: ``batch_size=``, or with a value
``ep=8``. Python users read it as it stands; the command line shows ``--batch-size`` and ``--ep 8``,
a scenario file its key. The text is searched for these names and never formatted, so a user's own
words are harmless in it.
"""

from __future__ import annotations

from collections.abc import Callable, Container

_FLAGS = {"network_byte_per_s": "--network"}
"""Options whose flag is not their name with dashes."""


def flag(name: str) -> str:
    """The option of the command line that gives a field: ``--batch-size``."""
    return _FLAGS.get(name) or "--" + name.replace("_", "-")


def named_in(text: str) -> tuple[str, ...]:
    """The fields that a message names, in order, each once."""
    names: dict[str, None] = {}

    def note(name: str, _: str) -> str:
        names[name] = None
        return ""

    _spelt(text, note)
    return tuple(names)


def on_command_line(text: str) -> str:
    """The message with the flags of the command line: ``--batch-size``, ``--ep 8``, ``--force``."""

    def spell(name: str, value: str) -> str:
        value = value.strip("'\"")
        return flag(name) if value in ("", "True") else f"{flag(name)} {value}"

    return _spelt(text, spell)


def in_file(text: str, keys: Container[str] | None = None) -> str:
    """The message with the keys of a file (all, or those of ``keys``) instead of options: ``ep = 8``."""

    def spell(name: str, value: str) -> str:
        if keys is not None and name not in keys:
            return f"`{name}={value}`"
        return f"{name} = {'true' if value == 'True' else value}" if value else name

    return _spelt(text, spell)


def _spelt(text: str, spell: Callable[[str, str], str]) -> str:
    """The text with each name in backquotes, and its value, as ``spell`` writes them.

    (Without a regular expression: to compile one takes longer than a start can spare.)
    """
    first, *parts = text.split("`")
    written = [first]
    while parts:
        name, sign, value = parts[0].partition("=")
        if len(parts) > 1 and sign and name.isidentifier() and name.isascii() and name == name.lower():
            written += [spell(name, value), parts[1]]
            parts = parts[2:]
        else:
            written += ["`", parts[0]]
            parts = parts[1:]
    return "".join(written)
