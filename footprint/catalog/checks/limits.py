"""Reading TOML and JSON that a stranger may have written, in bounded time and memory.

The parsers of the standard library are made for files of one's own: 100 kB of dotted keys take
``tomllib`` a minute and 10 GB. The text is therefore bounded before it is parsed, and the values after.
Every file of a user is read here (a test looks for parsers elsewhere).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from footprint.errors import DataFileError

MOST_TOML_CHARACTERS = 128 * 1024
"""Six times the largest shipped file; of such a text ``tomllib`` reads every form within a second."""
MOST_JSON_VALUES = 400_000
"""Commas, colons and brackets of a JSON text; a config that names 21,000 classes twice has 90,000."""
MOST_DEPTH = 20
"""Tables and lists within each other; also parts of a dotted key, which are tables."""
MOST_BITS = 128
"""Of a whole number: more than any count, and few enough to print."""

_STRINGS = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*+"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*+'{3,5}"
    r'|"(?:[^"\\\n]|\\[^\n])*+"'
    r"|'[^'\n]*+'"
    r"|\#[^\n]*+",
    re.DOTALL,
)
"""The strings and comments of a TOML text, whose dots mean nothing."""
_DEEP_KEY = re.compile(rf"(?:\.[^.=\[\]{{}},\n]*+){{{MOST_DEPTH}}}")


def parse_toml(text: str, origin: object) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises DataFileError, which names the origin and the line that is broken, or the bound that is passed.
    """
    import tomllib

    if len(text) > MOST_TOML_CHARACTERS:
        raise DataFileError(
            f"{origin}: larger than {MOST_TOML_CHARACTERS >> 10} KiB, so neither a profile nor a scenario"
        )
    if _DEEP_KEY.search(_STRINGS.sub("0", text)):
        raise DataFileError(f"{origin}: not valid TOML: a key of more than {MOST_DEPTH} parts")
    try:
        tables = tomllib.loads(text)
    except RecursionError:
        raise DataFileError(f"{origin}: not valid TOML: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and numbers of thousands of digits
        raise DataFileError(f"{origin}: not valid TOML: {error}") from None
    _bound(tables, origin)
    return tables


def parse_json(text: str, origin: object, *, most_values: int = MOST_JSON_VALUES) -> Any:
    """The value of a JSON text.

    Raises DataFileError, which names the origin and what is broken, or the bound that is passed.
    """
    import json

    if sum(map(text.count, ",:[{")) > most_values:
        raise DataFileError(f"{origin}: more than {most_values:,} values, too many for a file of this kind")
    try:
        value = json.loads(text)
    except RecursionError:
        raise DataFileError(f"{origin}: not valid JSON: nested too deeply") from None
    except ValueError as error:
        raise DataFileError(f"{origin}: not valid JSON: {error}") from None
    _bound(value, origin)
    return value


def _bound(whole: object, origin: object) -> None:
    """DataFileError if a value is too deep, or a number in it too large."""
    level: list[Any] = [whole]
    for _ in range(MOST_DEPTH):
        if any(type(value) is int and value.bit_length() > MOST_BITS for value in level):
            raise DataFileError(f"{origin}: a whole number of more than {MOST_BITS} bits")
        level = [part for value in level for part in _parts(value)]
        if not level:
            return
    raise DataFileError(f"{origin}: nested too deeply: more than {MOST_DEPTH} levels")


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
