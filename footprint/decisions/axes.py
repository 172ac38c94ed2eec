"""Axes of a grid of scenarios, from what people write: lists ``a,b,c`` and ranges ``8..64+8``, ``8..64x2``.

A range may follow a name: ``h100:8..64x2``. A field whose value is itself a list, such as the LoRA targets,
keeps its commas. Every field may be repeated instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from math import floor, isfinite, log, prod
from typing import Any

from footprint.catalog.hardware import parse_cluster
from footprint.catalog.names import unknown
from footprint.catalog.places.names import meaning as place_meaning
from footprint.catalog.places.names import resolve as place_key
from footprint.errors import FootprintError, UnknownNameError
from footprint.estimator.fields import CLUSTER, FLAG, JOINED, MODEL, NAMES, PLACE, TEXT, Field, joined
from footprint.estimator.request import FIELDS
from footprint.records import record

Axes = Mapping[str, Sequence[Any]]
MOST_VALUES = 100_000
"""Of one axis; more is a slip of the pen."""
WORDS = ("stack",)
"""Fields of text whose values hold no comma."""
ROUNDING = 1e-9
"""The end of a range belongs to it if it is missed by this share of a step or factor [1]."""


@record
class AxisColumn:
    """One value of an axis a row; each distinct value is held once."""

    values: Sequence[Any]
    places: Any
    """Array: where in `values` the value of each row is."""

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, row: int) -> Any:
        return self.values[self.places[row]]

    def __iter__(self) -> Iterator[Any]:
        return map(self.values.__getitem__, self.places.tolist())


def axes_of(texts: Mapping[str, Sequence[str]]) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """The axes with several values, and the fields with one, from the texts of each field."""
    axes: dict[str, list[Any]] = {}
    fixed: dict[str, Any] = {}
    for name, given in texts.items():
        values = values_of(FIELDS[name], given)
        if len(values) == 1:
            fixed[name] = values[0]
        else:
            axes[name] = values
    return axes, fixed


def axes_in(fields: Mapping[str, Any], origin: str) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """The axes and the fixed fields of a file, whose values may be lists, ranges and lists of ranges."""
    axes: dict[str, list[Any]] = {}
    fixed: dict[str, Any] = {}
    for name, value in fields.items():
        if name not in FIELDS:
            raise unknown("scenario field", str(name), FIELDS, hint=origin)
        values = [value]
        if is_axis(name, value):
            values = _each_once([v for one in value for v in _of_file(name, one)])
        elif name in JOINED:
            values = [joined(value)]
        elif isinstance(value, str):
            values = values_of(FIELDS[name], [value])
        if not values:
            raise FootprintError(f"{origin}: `{name}=` has no values")
        if len(values) == 1:
            fixed[name] = values[0]
        else:
            axes[name] = values
    return axes, fixed


def _of_file(name: str, value: Any) -> list[Any]:
    return values_of(FIELDS[name], [value]) if isinstance(value, str) else [value]


def values_of(field: Field, texts: Iterable[str]) -> list[Any]:
    """The values of one field in the order in which they are written, each once.

    Raises FootprintError for an empty list, a range without end, and a value that the field does not take.
    """
    if field.name in JOINED:
        return [joined(texts)]
    values: list[Any] = []
    for text in texts:
        for part in _parts(field, text):
            values += (
                _range(field, part) if ".." in part and _has_range(field, part) else [_value(field, part)]
            )
            if len(values) > MOST_VALUES:
                raise FootprintError(f"`{field.name}=` has more than {MOST_VALUES:,} values")
    if not values:
        raise FootprintError(f"`{field.name}=` has no values")
    return _each_once(values)


def axes_and_fixed(
    axes: Axes | None, fields: Mapping[str, Any]
) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Axes and fixed fields of a call: a field with a list of values is an axis, a single value is fixed."""
    if axes is not None and not isinstance(axes, Mapping):
        raise FootprintError(f"axes are a mapping of fields to lists of values, not {axes!r:.80}")
    found: dict[str, list[Any]] = {}
    fixed: dict[str, Any] = {}
    for name, given in (axes or {}).items():
        if isinstance(given, str) or not isinstance(given, Iterable):
            fixed[name] = given
        else:
            found[name] = list(given)
    for name, value in fields.items():
        if is_axis(name, value):
            found[name] = list(value)
        else:
            fixed[name] = value
    return found, fixed


def spelt_once(axes: Axes) -> tuple[dict[str, list[Any]], int]:
    """Axes without further spellings of a cluster or a place, and how many were left out.

    ``v100x8`` is left out beside ``v100:8``, and ``France`` beside ``FRA``.
    """
    found = {name: list(values) for name, values in axes.items()}
    for name, read in (("hw", _cluster), ("region", place_key)):
        firsts: dict[Any, Any] = {}
        for value in found.get(name, ()):
            try:
                firsts.setdefault(read(value), value)
            except (FootprintError, AttributeError):  # no name that anybody knows: an error later
                firsts.setdefault(repr(value), value)
        if firsts:
            found[name] = list(firsts.values())
    return found, sum(map(len, axes.values())) - sum(map(len, found.values()))


def _cluster(text: str) -> tuple[str, int]:
    cluster, _ = parse_cluster(text)
    return cluster.accelerator.id, cluster.count


def count_of(axes: Axes) -> int:
    """Number of combinations."""
    return prod(len(values) for values in axes.values())


def is_axis(name: str, value: Any) -> bool:
    """Whether a field was given several values; the value of some fields is itself a list."""
    if not isinstance(value, list | tuple):
        return False
    if name in JOINED:
        return False
    return not (name in FIELDS and _keeps_commas(FIELDS[name])) or any(
        isinstance(one, list | tuple) for one in value
    )


def _keeps_commas(field: Field) -> bool:
    return field.kind in (NAMES, TEXT, FLAG) and not field.choices and field.name not in WORDS


def _parts(field: Field, text: str) -> list[str]:
    if _keeps_commas(field):
        return [text]
    if field.kind in (MODEL, PLACE, CLUSTER) and os.path.exists(text):  # noqa: PTH110 - pathlib is not needed otherwise
        return [text]  # the name of a file may hold a comma
    parts = [part.strip() for part in (_places(text) if field.kind is PLACE else text.split(","))]
    if "" in parts:
        raise FootprintError(f"`{field.name}=` has an empty value in {text!r}")
    return parts


def _places(text: str) -> list[str]:
    """The places of a list; ``Cambridge, MA`` is one of them, since ``Cambridge`` alone means several."""
    found: list[str] = []
    for part in text.split(","):
        if found and part.startswith(" ") and _is_town(found[-1], part):
            found[-1] += f",{part}"
        else:
            found.append(part)
    return found


def _is_town(town: str, home: str) -> bool:
    """Whether a name of several places is that of a known town with its country, state or province."""
    try:
        place_key(town.strip())
    except UnknownNameError:
        return False
    except FootprintError:
        with suppress(FootprintError):
            return not place_meaning(f"{town},{home}".strip()).read_as
    return False


def _value(field: Field, text: str) -> Any:
    return field.read(text)


def _has_range(field: Field, text: str) -> bool:
    """Whether dots mean a range; a path has dots, too."""
    return field.kind.number or (field.kind is CLUSTER and ".." in text.rpartition(":")[2])


def _range(field: Field, text: str) -> list[Any]:
    head, colon, numbers = text.rpartition(":") if field.kind is CLUSTER else ("", "", text)
    first, _, rest = numbers.partition("..")
    sign = "+" if "+" in rest else "x"
    last, found, step = rest.partition(sign)
    if not (first and last and found and step):
        raise FootprintError(
            f"`{field.name}=` {text!r}: a range is first..last+step or first..lastxfactor, such as 8..64+8 "
            "or 8..64x2"
        )
    number = FIELDS["batch_size"] if field.kind is CLUSTER else field
    low, high = (float(number.kind.read(part, f"`{field.name}=`")) for part in (first, last))
    each = float(number.kind.read(step, f"`{field.name}=`")) if sign == "+" else _factor(field, step)
    values = _steps(field, text, low, high, each, sign)
    if field.kind is CLUSTER:
        return [f"{head}{colon}{_whole(field, value)}" for value in values]
    return [_whole(field, value) if field.kind.whole else value for value in values]


def _factor(field: Field, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise FootprintError(f"`{field.name}=`: {text!r} is no factor of a range") from None


def _steps(field: Field, text: str, low: float, high: float, each: float, sign: str) -> list[float]:
    """The numbers of a range; they are counted before they are made."""
    if sign == "x" and (not each > 1 or low <= 0):
        raise FootprintError(
            f"`{field.name}=` {text!r}: a range of factors begins above 0, with a factor above 1"
        )
    if not all(map(isfinite, (low, high, each))) or high < low:
        raise FootprintError(f"`{field.name}=` {text!r}: a range goes up to its last value")
    steps = (high - low) / each if sign == "+" else log(high / low) / log(each)
    if steps > MOST_VALUES:
        raise FootprintError(f"`{field.name}=` {text!r} has more than {MOST_VALUES:,} values")
    count = floor(steps * (1 + ROUNDING) + ROUNDING) + 1
    values = [low + n * each if sign == "+" else low * each**n for n in range(count)]
    return [float(f"{value:.15g}") for value in values]  # 0.3, not 0.30000000000000004


def _whole(field: Field, value: float) -> int:
    if abs(value - round(value)) > ROUNDING * max(1.0, value):
        raise FootprintError(f"`{field.name}=`: a range holds {value:g}, which is no whole number")
    return round(value)


def _each_once(values: Sequence[Any]) -> list[Any]:
    try:
        return list(dict.fromkeys(values))
    except TypeError:  # the values are lists
        return [value for n, value in enumerate(values) if value not in values[:n]]
