"""A named tuple against the standard library's of the same text."""

from __future__ import annotations

import copy
import pickle
from typing import NamedTuple as StandardTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footprint.named_tuples import NamedTuple


class Product(NamedTuple):
    """A product of matrices."""

    rows: int
    columns: int
    count: int = 1
    name: str | None = None

    @property
    def size(self) -> int:
        return self.rows * self.columns * self.count


class StandardProduct(StandardTuple):
    """The same, made by the standard class."""

    rows: int
    columns: int
    count: int = 1
    name: str | None = None

    @property
    def size(self) -> int:
        return self.rows * self.columns * self.count


TUPLES = st.tuples(
    st.lists(st.integers(), max_size=5),
    st.dictionaries(
        st.sampled_from(["rows", "columns", "count", "name", "other"]), st.integers(), max_size=4
    ),
)


@given(TUPLES, st.dictionaries(st.sampled_from(["rows", "count", "other"]), st.integers(), max_size=2))
def test_like_a_standard_named_tuple(
    fields: tuple[list[int], dict[str, int]], changes: dict[str, int]
) -> None:
    placed, named = fields
    try:
        theirs = StandardProduct(*placed, **named)  # type: ignore[arg-type]
    except TypeError:
        with pytest.raises(TypeError):
            Product(*placed, **named)  # type: ignore[arg-type]
        return
    ours = Product(*placed, **named)  # type: ignore[arg-type]
    assert ours == theirs
    assert hash(ours) == hash(theirs)
    assert (ours.rows, ours.columns, ours.count, ours.name) == tuple(theirs)
    assert ours.size == theirs.size
    assert repr(ours) == repr(theirs).removeprefix("Standard")
    assert ours._asdict() == theirs._asdict()
    assert pickle.loads(pickle.dumps(ours)) == copy.deepcopy(ours) == copy.copy(ours) == ours  # noqa: S301
    assert type(copy.deepcopy(ours)) is Product
    if "other" in changes:
        with pytest.raises(ValueError, match="other"):
            ours._replace(**changes)  # type: ignore[arg-type]
    else:
        assert ours._replace(**changes) == theirs._replace(**changes)  # type: ignore[arg-type]


@given(st.lists(st.integers(), max_size=6))
def test_made_by_position(fields: list[int]) -> None:
    """``_make`` takes the fields in order, as the standard one; defaults may be left out."""
    if 2 <= len(fields) <= 4:
        assert Product._make(tuple(fields)) == StandardProduct(*fields)  # type: ignore[arg-type]
        assert type(Product._make(tuple(fields))) is Product
    else:
        with pytest.raises(TypeError):
            Product._make(tuple(fields))


class Single(NamedTuple):
    """One field only."""

    only: int


def test_one_field() -> None:
    assert tuple(Single(3)) == tuple(Single(only=3)) == (3,)
    with pytest.raises(TypeError):
        Single()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Single(other=3)  # type: ignore[call-arg]


def test_a_named_tuple_is_a_tuple_without_a_dict() -> None:
    ours = Product(2, 3)
    rows, *rest = ours
    assert (rows, rest, ours[1:]) == (2, [3, 1, None], (3, 1, None))
    assert isinstance(ours, tuple)
    assert not hasattr(ours, "__dict__")
    assert (Product._fields, Product._field_defaults) == (
        StandardProduct._fields,
        StandardProduct._field_defaults,
    )
    with pytest.raises(AttributeError):
        ours.rows = 3  # type: ignore[misc]
    match ours:
        case Product(2, columns):
            assert columns == 3
        case _:
            pytest.fail("not matched")
