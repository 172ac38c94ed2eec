"""Strict reading of a model config: every value is checked where it is read.

Keys are Hugging Face names. A missing, contradictory or hostile value raises a `ConfigError` that names
the field by its path. Missing values are never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from footprint.errors import FootprintError

MAX_SIZE: Final = 10**8
"""Largest accepted width, vocabulary or length."""
MAX_LAYERS: Final = 100_000
MAX_DEPTH: Final = 4
"""Largest accepted nesting of configs, which contain text, vision and audio parts."""

_REQUIRED: Final = object()


class ConfigError(FootprintError):
    """A model config that cannot be counted; the message names the field and its valid values."""


def shown(value: object) -> str:
    """A value as messages show it: not more than 60 letters."""
    try:
        text = repr(value)
    except ValueError:  # more digits than Python writes
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."


class Fields:
    """A config or a nested part of one; its getters check the values that they return."""

    __slots__ = ("depth", "path", "values")

    def __init__(self, values: Mapping[str, Any], path: str = "config", depth: int = 0) -> None:
        if not isinstance(values, Mapping):
            raise ConfigError(f"{path} must be a table of Hugging Face config keys, not {shown(values)}")
        if depth > MAX_DEPTH:
            raise ConfigError(f"{path} is nested deeper than {MAX_DEPTH} levels, so not a model config")
        self.values = values
        self.path = path
        self.depth = depth

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def raw(self, *names: str, default: Any = _REQUIRED) -> tuple[str, Any]:
        """Name and value of the first of ``names`` that is given; null counts as absent."""
        values = self.values
        for name in names:
            value = values.get(name)
            if value is not None:
                return name, value
        if default is _REQUIRED:
            alternatives = f" (or {', '.join(names[1:])})" if len(names) > 1 else ""
            raise ConfigError(
                f"{self.path}.{names[0]} is missing{alternatives}: the model cannot be counted without it"
            )
        return names[0], default

    def size(self, *names: str, default: Any = _REQUIRED, minimum: int = 1, maximum: int = MAX_SIZE) -> int:
        """A whole number within the bounds."""
        value = self.values.get(names[0])
        if type(value) is int and minimum <= value <= maximum:  # the common case, for speed
            return value
        name, value = self.raw(*names, default=default)
        if type(value) is not int:
            if not (isinstance(value, float) and value.is_integer()):
                raise ConfigError(f"{self.path}.{name} must be a whole number, not {shown(value)}")
            value = int(value)
        if not minimum <= value <= maximum:
            raise ConfigError(
                f"{self.path}.{name} must lie between {minimum} and {maximum}, not {shown(value)}"
            )
        return value

    def optional_size(self, name: str, *, absent: int | None = None) -> int | None:
        """A whole number above zero; None for null or 0, ``absent`` if the key is missing."""
        if name not in self.values:
            return absent
        return self.size(name, default=0, minimum=0) or None

    def layers(self, *names: str, default: Any = _REQUIRED, minimum: int = 1) -> int:
        """A number of layers."""
        return self.size(*names, default=default, minimum=minimum, maximum=MAX_LAYERS)

    def number(
        self, *names: str, default: Any = _REQUIRED, minimum: float = 0.0, maximum: float = 1e6
    ) -> float:
        """A finite number within the bounds."""
        name, value = self.raw(*names, default=default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"{self.path}.{name} must be a number, not {shown(value)}")
        if not minimum <= value <= maximum:  # also true for NaN
            raise ConfigError(
                f"{self.path}.{name} must lie between {minimum} and {maximum}, not {shown(value)}"
            )
        return value

    def flag(self, *names: str, default: bool) -> bool:
        """True or false."""
        value = self.values.get(names[0])
        if type(value) is bool:
            return value
        name, value = self.raw(*names, default=default)
        if type(value) is not bool:
            raise ConfigError(f"{self.path}.{name} must be true or false, not {shown(value)}")
        return value

    def text(self, *names: str, default: Any = _REQUIRED) -> str:
        """A word."""
        value = self.values.get(names[0])
        if type(value) is str:
            return value
        name, value = self.raw(*names, default=default)
        if not isinstance(value, str):
            raise ConfigError(f"{self.path}.{name} must be a word, not {shown(value)}")
        return value

    def sizes(self, name: str, *, default: Any = _REQUIRED, length: int | None = None) -> tuple[int, ...]:
        """A list of whole numbers above zero, of the given length."""
        _, value = self.raw(name, default=default)
        if isinstance(value, str) or not isinstance(value, Sequence) or not value or len(value) > MAX_LAYERS:
            raise ConfigError(f"{self.path}.{name} must be a list of whole numbers, not {shown(value)}")
        if length is not None and len(value) != length:
            raise ConfigError(f"{self.path}.{name} must have {length} entries, not {len(value)}")
        for entry in value:
            if type(entry) is not int or not 1 <= entry <= MAX_SIZE:
                raise ConfigError(
                    f"{self.path}.{name} must hold whole numbers from 1 to {MAX_SIZE}, not {shown(entry)}"
                )
        return tuple(value)

    def indices(self, name: str, *, required: bool = False) -> tuple[int, ...]:
        """Layer numbers, sorted; empty if the config has none and they are not required."""
        _, value = self.raw(name, default=_REQUIRED if required else ())
        if isinstance(value, (str, bytes)) or not isinstance(value, Sequence) or len(value) > MAX_LAYERS:
            raise ConfigError(f"{self.path}.{name} must be a list of layer numbers, not {shown(value)}")
        if not all(type(entry) is int and 0 <= entry <= MAX_LAYERS for entry in value):
            raise ConfigError(f"{self.path}.{name} must hold layer numbers, not {shown(value)}")
        return tuple(sorted(set(value)))

    def words(self, name: str, *, default: Any = _REQUIRED, length: int | None = None) -> tuple[str, ...]:
        """A list of words, of the given length."""
        _, value = self.raw(name, default=default)
        if (
            isinstance(value, str)
            or not isinstance(value, Sequence)
            or not all(isinstance(w, str) for w in value)
        ):
            raise ConfigError(f"{self.path}.{name} must be a list of words, not {shown(value)}")
        if length is not None and len(value) != length:
            raise ConfigError(f"{self.path}.{name} must have {length} entries, not {len(value)}")
        return tuple(value)

    def part(self, name: str, *, default: Any = _REQUIRED) -> Fields:
        """A nested config."""
        _, value = self.raw(name, default=default)
        return Fields(value, f"{self.path}.{name}", self.depth + 1)

    def divide(self, total: int, parts: int, what: str, by: str) -> int:
        """``total`` / ``parts``, which must be a whole number."""
        if total % parts:
            raise ConfigError(f"{self.path}.{what} = {total} is not a multiple of {by} = {parts}")
        return total // parts

    def error(self, name: str, message: str) -> ConfigError:
        """An error about one field."""
        return ConfigError(f"{self.path}.{name} {message}")
