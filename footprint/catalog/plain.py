"""Reading the shipped files quickly: their plain form of TOML, and their indices.

An estimate reads a handful of small files, and importing a full parser takes longer than reading
them. The files keep to one thing a line: a table's head, or a key with a string, a number, a
truth value, an array of one kind, or a table of strings. Anything else makes these functions
give up (None), and the caller asks the full parser; so what they return is what it would have
returned, only sooner. A test holds them equal for every shipped file.
"""

from __future__ import annotations

from typing import Any

_DIGITS = frozenset("0123456789_.eE+-")
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_NONE = object()
"""No value that could be read here (None is no TOML value, but False and 0 are)."""


def plain_toml(text: str) -> dict[str, Any] | None:
    """The tables of a TOML text in the plain form; None where it is not in that form."""
    root: dict[str, Any] = {}
    table = root
    for line in text.split("\n"):
        if not line or line[0] == "#":
            continue
        if line[0] == "[":
            opened = _open(root, line)
            if opened is None:
                return None
            table = opened
            continue
        key, equals, rest = line.partition(" = ")
        if not equals or not key:
            return None
        if key[0] == '"':
            key = key[1:-1] if key[-1] == '"' and len(key) > 2 else ""
            if '"' in key or "\\" in key:
                return None
        elif not _BARE.issuperset(key):
            return None
        value = _value(rest)
        if value is _NONE or not key or key in table:
            return None
        table[key] = value
    return root


def plain_index(text: str) -> dict[str, dict[str, str]] | None:
    """The sections of a generated index, each name -> id; None where a name is not plain text.

    An index is JSON with one entry a line. Entries outside of any section stand under "".
    """
    if "\\" in text:
        return None
    sections: dict[str, dict[str, str]] = {"": {}}
    section = sections[""]
    for line in text.split("\n"):
        parts = line.split('"')
        if len(parts) == 5:
            section[parts[1]] = parts[3]
        elif len(parts) == 3 and parts[2] == ": {":
            section = sections.setdefault(parts[1], {})
        elif len(parts) != 1:
            return None
    return sections


def _open(root: dict[str, Any], line: str) -> dict[str, Any] | None:
    """The table that a head opens: ``[a]``, ``[a.b]``, ``[[a]]`` or ``[[a.b]]`` of bare keys."""
    line = line.partition("#")[0].rstrip()
    many = line.startswith("[[")
    inside = line[2:-2] if many else line[1:-1]
    if not line.endswith("]]" if many else "]") or not inside:
        return None
    *above, last = inside.split(".")
    if not all(name and _BARE.issuperset(name) for name in (*above, last)):
        return None
    table: Any = root
    for name in above:
        table = table.setdefault(name, {})
        if isinstance(table, list):
            table = table[-1]
        if not isinstance(table, dict):
            return None
    new: dict[str, Any] = {}
    if many:
        rows = table.setdefault(last, [])
        if not isinstance(rows, list):
            return None
        rows.append(new)
        return new
    if last in table:
        return None
    table[last] = new
    return new


def _value(text: str) -> Any:
    """The value of the rest of a line, comment and all; ``_NONE`` where it is not plain."""
    first = text[:1]
    if first == '"':
        end = text.find('"', 1)
        value, tail = text[1:end], text[end + 1 :]
        plain = end > 0 and "\\" not in value and tail[:1] != '"' and _is_over(tail)
        return value if plain else _NONE
    if first == "[":
        return _array(text)
    if first == "{":
        return _strings_by_name(text)
    return _number(text.partition("#")[0].strip())


def _is_over(tail: str) -> bool:
    tail = tail.strip()
    return not tail or tail[0] == "#"


def _number(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if not text or not _DIGITS.issuperset(text) or text[0] not in "0123456789+-":
        return _NONE
    try:
        return int(text) if text.lstrip("+-").replace("_", "").isdigit() else float(text)
    except ValueError:
        return _NONE


def _array(text: str) -> Any:
    """An array on one line: of strings, or of numbers."""
    if '"' not in text:
        inside, closed, tail = text[1:].partition("]")
        numbers = [_number(part.strip()) for part in inside.split(",")] if inside.strip() else []
        plain = closed and _is_over(tail) and not any(number is _NONE for number in numbers)
        return numbers if plain else _NONE
    parts = text.split('"')
    between = [part.strip() for part in parts[0::2]]
    tail = between[-1]
    if "\\" in text or len(parts) % 2 == 0 or between[0] != "[" or tail[:1] != "]" or not _is_over(tail[1:]):
        return _NONE
    return parts[1::2] if all(part == "," for part in between[1:-1]) else _NONE


def _strings_by_name(text: str) -> Any:
    """An inline table of strings: ``{ source = "a", basis = "b" }``."""
    parts = text.split('"')
    tail = parts[-1].strip()
    if "\\" in text or len(parts) % 2 == 0 or tail[:1] != "}" or not _is_over(tail[1:]):
        return _NONE
    table: dict[str, str] = {}
    for index in range(0, len(parts) - 1, 2):
        head = parts[index].strip()
        name = head[1:-1].strip()
        if head[0] != ("," if index else "{") or head[-1] != "=" or not name or not _BARE.issuperset(name):
            return _NONE
        if name in table:
            return _NONE
        table[name] = parts[index + 1]
    return table
