"""The values of one JSON object: their types, and the bounds that any real run keeps.

What is not said is the default. What cannot be is the default as well, and is noted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

MOST_S = 1e10
"""Three hundred years [s]."""
MOST_KWH = 1e9
"""All the electricity of a day on Earth is 1e11 kWh."""
MOST_COUNT = 1e30
MOST_BYTE = 1e15
MOST_TEXT, MOST_PARTS, MOST_DEPTH = 10_000, 10_000, 20
MOST_NOTES = 5
_EMPTY: dict[str, Any] = {}


class Fields:
    """The values of one object by name."""

    __slots__ = ("_notes", "raw")

    def __init__(self, raw: Mapping[str, Any], notes: list[str]) -> None:
        self.raw, self._notes = raw, notes

    def of(self, raw: Mapping[str, Any]) -> Fields:
        """Other values, whose notes stand with these."""
        return Fields(raw, self._notes)

    def note(self, name: str, value: Any, wanted: str) -> None:
        """Say that a value was not taken."""
        if len(self._notes) >= MOST_NOTES:
            return
        try:
            shown = f"{value!r:.40}"
        except (ValueError, RecursionError):  # a whole number of thousands of digits
            shown = type(value).__name__
        self._notes.append(f"{sayable(name)[:40]} is {shown}, not {wanted}")

    def number_or_none(self, name: str, *, least: float = 0.0, most: float = MOST_S) -> float | None:
        """A number within its bounds, if there is one."""
        value = self.raw.get(name)
        if value is None:
            return None
        if (value.__class__ is float or value.__class__ is int) and least <= value <= most:
            return float(value)
        self.note(name, value, f"a number from {least:g} to {most:g}")
        return None

    def number(self, name: str, *, least: float = 0.0, most: float = MOST_S) -> float:
        """A number within its bounds; 0 without one."""
        return self.number_or_none(name, least=least, most=most) or 0.0

    def count(self, name: str, *, most: int = 2**62) -> int:
        """A whole number from 0; 0 without one."""
        value = self.raw.get(name)
        if value is None:
            return 0
        if value.__class__ is int and 0 <= value <= most:
            return int(value)
        self.note(name, value, f"a whole number from 0 to {most}")
        return 0

    def text(self, name: str, default: str = "", *, most: int = MOST_TEXT) -> str:
        """A text of bearable length."""
        value = self.raw.get(name)
        if value is None:
            return default
        if value.__class__ is str and len(value) <= most:
            return sayable(value)
        self.note(name, value, "a text")
        return default

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        """One of some words."""
        found = self.text(name, default)
        if found in choices:
            return found
        self.note(name, found, f"one of {', '.join(choices)}")
        return default

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Yes or no."""
        value = self.raw.get(name)
        if value is None or value.__class__ is bool:
            return default if value is None else bool(value)
        self.note(name, value, "true or false")
        return default

    def part(self, name: str) -> Fields:
        """The object that stands under a name; an empty one without it."""
        value = self.raw.get(name)
        if value.__class__ is dict and len(value) <= MOST_PARTS:
            if not all(map(str.isascii, value)):
                value = {sayable(key): part for key, part in value.items()}
            return Fields(value, self._notes)
        if value is not None:
            self.note(name, value, "values by name")
        return Fields(_EMPTY, self._notes)

    def _list(self, name: str) -> list[Any]:
        value = self.raw.get(name)
        if value.__class__ is list and len(value) <= MOST_PARTS:
            return list(value)
        if value is not None:
            self.note(name, value, "a list")
        return []

    def parts(self, name: str) -> list[Fields]:
        """The objects of a list."""
        found = []
        for one in self._list(name):
            if one.__class__ is dict:
                found.append(Fields(one, self._notes))
            else:
                self.note(name, one, "values by name")
        return found

    def rows(self, name: str, length: int) -> list[list[Any]]:
        """The lists of one length in a list."""
        values = self._list(name)
        found = [one for one in values if one.__class__ is list and len(one) == length]
        if len(found) != len(values):
            self.note(name, values, f"lists of {length}")
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of a list."""
        values = self._list(name)
        found = tuple(sayable(one) for one in values if one.__class__ is str and len(one) <= MOST_TEXT)
        if len(found) != len(values):
            self.note(name, values, "texts")
        return found

    def numbers(self, name: str) -> tuple[float, ...]:
        """The numbers of a list; none where one is wrong."""
        values = self._list(name)
        if all(one.__class__ is float and 0.0 <= one <= MOST_S for one in values):
            return tuple(values)
        found = [Fields({name: one}, self._notes).number_or_none(name) for one in values]
        return () if None in found else tuple(one for one in found if one is not None)

    def counts(self, name: str) -> tuple[int, ...]:
        """The whole numbers of a list."""
        return tuple(Fields({name: one}, self._notes).count(name) for one in self._list(name))

    def amounts(self, name: str, *, most: float = MOST_S) -> dict[str, float]:
        """Numbers from 0 by name."""
        if name not in self.raw:
            return {}
        part = self.part(name)
        found = {}
        for key, value in part.raw.items():
            plain = value.__class__ is float and 0.0 <= value <= most  # at sight, as most are
            found[key] = value if plain else part.number(key, most=most)
        return found

    def plain(self, name: str) -> dict[str, Any]:
        """The JSON values under a name, if their numbers are numbers and their parts are not endless."""
        part = self.part(name)
        wrong = next((key for key, value in part.raw.items() if not _is_plain(value, 0)), None)
        if wrong is None:
            return dict(part.raw)
        self.note(f"{name} {wrong}", type(part.raw[wrong]).__name__, "plain values")
        return {key: value for key, value in part.raw.items() if _is_plain(value, 0)}


def _is_plain(value: Any, depth: int) -> bool:
    if value.__class__ is dict or value.__class__ is list:
        inside = (*value, *value.values()) if value.__class__ is dict else value
        return (
            depth < MOST_DEPTH
            and len(value) <= MOST_PARTS
            and all(_is_plain(part, depth + 1) for part in inside)
        )
    if value.__class__ is str:
        return len(value) <= MOST_TEXT and sayable(value) == value
    return value.__class__ not in (int, float) or bool(abs(value) <= MOST_COUNT)


def sayable(text: str) -> str:
    """A text that can be written anywhere: half characters become ``?``, save the bytes of file names."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
