"""The assumed numbers: read one by one as they would be all together, in order, with a source."""

from __future__ import annotations

import math
import tomllib
from typing import Any, get_args

import pytest

from footprint.catalog.assumptions import assumed, assumed_topics, assumed_values
from footprint.catalog.files import reference_folder
from footprint.catalog.sources import all_sources
from footprint.vocabulary import Basis


def whole(topic: str) -> dict[str, Any]:
    return tomllib.loads((reference_folder() / "assumptions" / f"{topic}.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("topic", assumed_topics())
def test_a_topic_read_in_pieces_is_the_whole_file(topic: str) -> None:
    assert assumed_values(topic) == {name: float(row["value"]) for name, row in whole(topic).items()}


@pytest.mark.parametrize("topic", assumed_topics())
def test_a_number_has_its_interval_unit_and_source(topic: str) -> None:
    for name, row in whole(topic).items():
        number = assumed(f"{topic}.{name}")
        assert {field: getattr(number, field) for field in row} == row, name
        assert all(math.isfinite(end) for end in (number.low, number.value, number.high)), name
        assert number.low <= number.value <= number.high, name
        assert number.unit, name
        assert number.basis in get_args(Basis), name
        for source in number.source.split("; "):
            assert source in all_sources(), name


def test_there_is_no_number_without_a_topic() -> None:
    assert assumed_values("nonsense") == {}
    with pytest.raises(KeyError):
        assumed("time.nonsense")
