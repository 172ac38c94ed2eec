"""Lists and ranges as people write them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footprint.decisions.axes import MOST_VALUES, axes_in, spelt_once, values_of
from footprint.errors import FootprintError
from footprint.estimator.request import FIELDS


@pytest.mark.parametrize(
    ("field", "texts", "values"),
    [
        ("hw", ["v100:8,h100:8"], ["v100:8", "h100:8"]),
        ("hw", ["h100:8..64x2"], ["h100:8", "h100:16", "h100:32", "h100:64"]),
        ("hw", ["a100:4..12+4", "v100:8"], ["a100:4", "a100:8", "a100:12", "v100:8"]),
        ("batch_size", ["8..32+8"], [8, 16, 24, 32]),
        ("batch_size", ["8..70x2"], [8, 16, 32, 64]),
        ("tokens", ["1B..4Bx2"], [1e9, 2e9, 4e9]),
        ("hours", ["1d,48h"], [24.0, 48.0]),
        ("pue", ["1.1..1.3+0.1"], [1.1, 1.2, 1.3]),
        ("mfu", ["0.2..0.6+0.1"], [0.2, 0.3, 0.4, 0.5, 0.6]),
        ("pue", ["1.0..2.0x1.4142135623730951"], [1.0, 2**0.5, 2.0]),
        ("lora_targets", ["q,v", "q"], [("q", "v"), ("q",)]),
        ("method", ["lora,finetune"], ["lora", "finetune"]),
        ("region", ["FRA", "POL,FRA"], ["FRA", "POL"]),
        ("region", ["FRA, Cambridge, MA, POL"], ["FRA", "Cambridge, MA", "POL"]),
        ("region", ["Cambridge,MA"], ["Cambridge", "MA"]),
        ("region", ["FRA, POL", "Georgia, Ireland"], ["FRA", "POL", "Georgia", "Ireland"]),
    ],
)
def test_values(field: str, texts: list[str], values: list[object]) -> None:
    found = values_of(FIELDS[field], texts)
    numbers = isinstance(values[0], int | float)
    assert found == (pytest.approx(values) if numbers else values)


def test_the_name_of_a_file_may_hold_a_comma(tmp_path: Path) -> None:
    path = tmp_path / "a,b.json"
    path.write_text("{}")
    assert values_of(FIELDS["model"], [str(path)]) == [str(path)]


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("batch_size", "", "empty value"),
        ("batch_size", "8,,16", "empty value"),
        ("batch_size", "64..8+8", "goes up"),
        ("batch_size", "8..64+0", "above 0"),
        ("batch_size", "8..64x1", "a factor above 1"),
        ("batch_size", "8..64x", "first..last"),
        ("batch_size", "1..1000000000000+1", f"{MOST_VALUES:,} values"),
        ("tokens", "1..1e18x1.0000000001", f"{MOST_VALUES:,} values"),
        ("batch_size", "8..20x1.3", "no whole number"),
        ("tokens", "1e9..inf+1", ""),
        ("hw", "h100:8..x2", "first..last"),
        ("method", "lora,frob", "method"),
    ],
)
def test_what_is_no_axis(field: str, text: str, message: str) -> None:
    def read() -> None:
        for value in values_of(FIELDS[field], [text]):
            FIELDS[field].check(value)

    with pytest.raises(FootprintError) as caught:
        read()
    assert message in str(caught.value)


def test_names_of_software_are_a_list() -> None:
    assert values_of(FIELDS["stack"], ["tuned,native", "megatron"]) == ["tuned", "native", "megatron"]
    assert values_of(FIELDS["schedule"], ["10x8x128,5x8x512"]) == ["10x8x128,5x8x512"]


@given(st.sampled_from(sorted(FIELDS)), st.text(alphabet="0123456789.,x+-eBkh:$%/ na", max_size=20))
def test_no_text_breaks_the_reader(field: str, text: str) -> None:
    with contextlib.suppress(FootprintError):
        assert values_of(FIELDS[field], [text])


def test_each_value_once() -> None:
    assert values_of(FIELDS["batch_size"], ["8,16", "8..24+8"]) == [8, 16, 24]
    lists, _ = axes_in({"frozen": [["head"], ["head"], ["embedding"]]}, "a file")
    assert lists["frozen"] == [["head"], ["embedding"]]
    assert values_of(FIELDS["batch_size"], [f"1..{MOST_VALUES}+1"]) == [*range(1, MOST_VALUES + 1)]


def test_a_range_holds_the_numbers_that_people_write() -> None:
    assert values_of(FIELDS["mfu"], ["0.2..0.6+0.1"]) == [0.2, 0.3, 0.4, 0.5, 0.6]


def test_two_spellings_are_one_value_and_the_first_is_kept() -> None:
    axes = {
        "hw": ["h100:8", "v100x8", "v100:8", "8xv100", "v100"],
        "region": ["FRA", "POL", "France", "Atlantis"],
    }
    found, left_out = spelt_once({**axes, "batch_size": [8, 16]})
    assert found == {
        "hw": ["h100:8", "v100x8", "v100"],
        "region": ["FRA", "POL", "Atlantis"],
        "batch_size": [8, 16],
    }
    assert left_out == 3
