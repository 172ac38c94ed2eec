r"""Text that a stranger may have written, made harmless for a terminal, a table or a page.

Names, notes, paths and messages come from journals, data files, Slurm and the command line. A control
character in one could colour, clear or rename a terminal, write to its clipboard, turn a line round or
forge a line of ours. Each becomes its escape of six signs, ``\u001b``, which a reader sees and which
JSON reads back as the same character.
"""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Sequence

_BLANKS = "\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""Blanks of other widths, which Python does not count as printable; they do no harm."""
ENCODING_ERRORS = "footprint.escape"
"""Name of the error handler of `on_any_terminal`."""


def escaped(text: str) -> str:
    """A page of text: line breaks stay, every other control or invisible character becomes its escape."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" or char in _BLANKS else _escape(char) for char in text
    )


def in_line(text: str) -> str:
    """A text within a line: line breaks and tabs become blanks, the rest is escaped."""
    return text if text.isprintable() else escaped(" ".join(text.split()))


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a table of Markdown; the first is the heading, and all columns but the first hold numbers."""
    head, *lines = ["| " + " | ".join(map(in_markdown, row)) + " |" for row in rows]
    return "\n".join([head, "|---" + "|---:" * (len(rows[0]) - 1) + "|", *lines])


def in_markdown(text: str) -> str:
    """A text within a line of Markdown: as `in_line`, and nothing in it is markup, a link or HTML."""
    text = in_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # An underscore between letters is none of Markdown's.
    text = re.sub(r"([\\`*~|$\[\]#!@]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text)
    return re.sub(r"(?i)\b(https?|ftp|mailto|xmpp)(:)|\b(www)(\.)", r"\1\3\\\2\4", text)


def fenced(text: str) -> str:
    """A page of text as a block of code of Markdown, which nothing in it can close."""
    longest = max(map(len, re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def on_any_terminal() -> None:
    """Let both streams write characters that their encoding lacks as escapes, where they would fail."""
    codecs.register_error(ENCODING_ERRORS, _encoding_error)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=ENCODING_ERRORS)


def _encoding_error(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_escape, error.object[error.start : error.end])), error.end


def _escape(char: str) -> str:
    """The escape of JSON, two of them for a character beyond the first 65,536."""
    number = ord(char)
    if number < 0x10000:
        return f"\\u{number:04x}"
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"
