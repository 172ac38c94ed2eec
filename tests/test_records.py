"""A record against the standard dataclass of the same text."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from footprint.records import record, replace, state, value


@record
class Record:
    """A record with every kind of field."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    name: str
    weight_kg: float | None = None
    tags: tuple[str, ...] = ()
    cite: Mapping[str, int] = field(default_factory=dict)
    note: str = field(default="", repr=False, compare=False)
    count: int

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("count")

    @property
    def twice(self) -> int:
        return 2 * self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """The same, made by the standard decorator."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    name: str
    weight_kg: float | None = None
    tags: tuple[str, ...] = ()
    cite: Mapping[str, int] = field(default_factory=dict)
    note: str = field(default="", repr=False, compare=False)
    count: int

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("count")

    @property
    def twice(self) -> int:
        return 2 * self.count


CASES = st.fixed_dictionaries(
    {"name": st.text(), "count": st.integers(0)},
    optional={
        "weight_kg": st.none() | st.floats(allow_nan=False),
        "tags": st.tuples(st.text()),
        "cite": st.dictionaries(st.text(), st.integers()),
        "note": st.text(),
    },
)


@given(CASES, CASES)
def test_like_a_standard_dataclass(given_fields: dict[str, Any], other: dict[str, Any]) -> None:
    ours, theirs = Record(**given_fields), Standard(**given_fields)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert repr(ours).removeprefix("Record") == repr(theirs).removeprefix("Standard")
    assert (ours == Record(**other)) == (theirs == Standard(**other))
    assert ours.twice == theirs.twice
    for same in (copy.deepcopy(ours), copy.copy(ours), pickle.loads(pickle.dumps(ours))):  # noqa: S301
        assert same == ours
        assert same.note == ours.note
    wanted = dataclasses.asdict(dataclasses.replace(theirs, count=7))
    assert dataclasses.asdict(dataclasses.replace(ours, count=7)) == wanted
    assert dataclasses.asdict(replace(ours, count=7)) == wanted


@record
class Longer(Record):
    """A record that adds a field and gives another a default."""

    name: str = "nameless"
    width_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardLonger(Standard):
    """The same, made by the standard decorator."""

    name: str = "nameless"
    width_m: float


@value
class Pair:
    """A frozen record with fields by position."""

    left: float
    right: float = 1.0
    names: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StandardPair:
    """The same, made by the standard decorator."""

    left: float
    right: float = 1.0
    names: Mapping[str, int] = field(default_factory=dict)


@state
class Counter:
    """A record that can be changed, and sets its own field."""

    name: str
    count: int = 0
    seen: list[int] = field(default_factory=list)
    twice: int = 0

    def __post_init__(self) -> None:
        self.twice = 2 * self.count


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=2), st.booleans())
def test_by_position_like_a_standard_dataclass(placed: list[float], named: bool) -> None:
    names = {"names": {"a": 1}} if named else {}
    ours, theirs = Pair(*placed, **names), StandardPair(*placed, **names)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert repr(ours) == repr(theirs).removeprefix("Standard")
    assert ours == Pair(left=placed[0], **({"right": placed[1]} if placed[1:] else {}), **names)
    match ours:
        case Pair(left, right):
            assert (left, right) == (theirs.left, theirs.right)


@pytest.mark.parametrize("kind", [Pair, StandardPair])
@pytest.mark.parametrize(
    ("placed", "named"), [((1, 2, {}, 4), {}), ((1,), {"left": 2}), ((), {}), ((1,), {"up": 3})]
)
def test_wrong_positions_are_refused(kind: type[Any], placed: tuple[Any, ...], named: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        kind(*placed, **named)


def test_a_state_can_change_and_is_not_hashable() -> None:
    one, other = Counter("a", 2), Counter("a", 2)
    assert one.twice == 4
    one.count += 1
    one.seen.append(one.count)
    assert (one.count, one.seen, other.seen) == (3, [3], [])
    assert one != other
    assert copy.deepcopy(one) == one
    assert copy.deepcopy(one).seen is not one.seen
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)
    with pytest.raises(AttributeError):
        one.missing = 1  # type: ignore[attr-defined]


def test_inheritance_like_the_standard_one() -> None:
    ours, theirs = Longer(count=2, width_m=3.0), StandardLonger(count=2, width_m=3.0)
    assert repr(ours) == repr(theirs).removeprefix("Standard")
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert (Longer.__slots__, ours.twice) == (StandardLonger.__slots__, 4)
    assert ours != Record(name="nameless", count=2)
    assert not hasattr(ours, "__dict__")
    with pytest.raises(ValueError, match="count"):
        Longer(count=-1, width_m=3.0)


def test_replace_checks_names_and_invariants() -> None:
    one = Record(name="a", count=1)
    with pytest.raises(TypeError, match="size"):
        replace(one, size=3)
    with pytest.raises(ValueError, match="count"):
        replace(one, count=-1)


def test_same_fields_and_no_dict() -> None:
    ours, theirs = dataclasses.fields(Record), dataclasses.fields(Standard)
    assert [(f.name, f.type, f.default, f.kw_only) for f in ours] == [
        (f.name, f.type, f.default, f.kw_only) for f in theirs
    ]
    assert not hasattr(Record(name="a", count=1), "__dict__")
    assert Record.__slots__ == Standard.__slots__


def test_hash_goes_with_equality() -> None:
    one, same = Record(name="a", count=1, cite=()), Record(name="a", count=1, cite=(), note="other")  # type: ignore[arg-type]
    assert one == same
    assert hash(one) == hash(same)
    assert hash(one) != hash(Record(name="b", count=1, cite=()))  # type: ignore[arg-type]


def test_each_instance_has_its_own_default() -> None:
    assert Record(name="a", count=1).cite is not Record(name="a", count=1).cite


@pytest.mark.parametrize("kind", [Record, Standard])
def test_frozen(kind: type[Any]) -> None:
    one = kind(name="a", count=1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'count'"):
        one.count = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'count'"):
        del one.count


@pytest.mark.parametrize("kind", [Record, Standard])
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, r"missing 2 required keyword-only arguments: 'name'(,| and) 'count'"),
        ({"name": "a", "count": 1, "size": 3}, "unexpected keyword argument 'size'"),
        ({"nam": "a", "count": 1}, "'nam"),
    ],
)
def test_wrong_fields_are_named(kind: type[Any], fields: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        kind(**fields)
    with pytest.raises(TypeError):
        kind("a", count=1)


@pytest.mark.parametrize("kind", [Record, Standard])
def test_invariants_hold(kind: type[Any]) -> None:
    with pytest.raises(ValueError, match="count"):
        kind(name="a", count=-1)


@pytest.mark.parametrize("kind", [Record, Standard])
def test_pydantic_checks_it(kind: type[Any]) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    good = adapter.validate_json('{"name": "a", "count": 1, "tags": ["x"], "cite": {"k": 3}}')
    assert good == kind(name="a", count=1, tags=("x",), cite={"k": 3})
    for bad in (
        '{"name": "a"}',
        '{"name": "a", "count": "many"}',
        '{"name": "a", "count": 1, "size": 3}',
        '{"name": "a", "count": -1}',
    ):
        with pytest.raises(ValidationError):
            adapter.validate_json(bad)
    with pytest.raises(dataclasses.FrozenInstanceError):
        good.count = 2
