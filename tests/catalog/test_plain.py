"""The quick readers against the full parsers: equal, or they give up."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footprint.catalog.files import data_root, hardware_folder, parsed, reference_folder, tables
from footprint.catalog.plain import plain_index, plain_toml

FILES = [*sorted(hardware_folder().glob("*.toml")), *sorted(reference_folder().rglob("*.toml"))]
ON_THE_WAY_TO_AN_ESTIMATE = ("hardware_profiles/v100-sxm2-16gb.toml", "reference_data/models/bert-base.toml")


def same(ours: Any, theirs: Any) -> bool:
    """Equal, and of the same types: 1 is not 1.0, nor True 1."""
    return ours == theirs and repr(ours) == repr(theirs)


def test_a_shipped_file_is_read_as_the_full_parser_reads_it() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in FILES}
    assert len(texts) > 100
    assert not [path for path, text in texts.items() if not same(tables(text), tomllib.loads(text))]


def test_nearly_every_shipped_file_is_plain() -> None:
    plain = [path for path in FILES if plain_toml(path.read_text(encoding="utf-8")) is not None]
    assert len(plain) > 0.9 * len(FILES)
    for name in ON_THE_WAY_TO_AN_ESTIMATE:
        assert data_root() / name in plain


@pytest.mark.parametrize("name", ["hardware_profiles", "reference_data/models"])
def test_an_index_is_read_as_json(name: str) -> None:
    text = (data_root() / name / "index.json").read_text(encoding="utf-8")
    found = plain_index(text)
    assert found is not None
    sections = {section: names for section, names in found.items() if names}
    whole = json.loads(text)
    assert sections == (whole if isinstance(next(iter(whole.values())), dict) else {"": whole})


# ----------------------------------------------------------------------- any text at all


def tomls(text: str) -> Any:
    try:
        return tomllib.loads(text)
    except ValueError:
        return None


ODD = [
    "true", "false", "1_000", "1e9", "6.02E+23", "inf", "0x10", "1979-05-27", "+5", "-0.5", ".5", "5.",
    "1__0", "_1", "a", "", "1 2", "1,", "3 # note", "'literal'", '""', '"a # b"', '"a\\nb"', '"""a"""',
    '"open', '"a" "b"', '"x" # note', "[]", "[1, 2.5]", "[1, 2.5, ]", '["a", "b"]', '[ "a" , "b" ]',
    '["a", 1]', '["a"', '["a",]', "[[1], [2]]", '["a"] # note', "{}", "{ a = 1 }",
    '{ a = "b" } # note', '{ a = "b", a = "c" }', '{ source = "a", basis = "b, c = d" }',
    '{source="a"}',
]  # fmt: skip
KEYS = st.sampled_from(["a", "b-c", "d_1", '"x.y"', '""', "a.b", "", "é", "7"])
VALUES = st.one_of(
    st.integers(-(10**12), 10**12).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(ODD),
    st.text(alphabet='"[]{}=,# \\\'ab1.', max_size=12),
)  # fmt: skip
HEADS = st.sampled_from(
    ["[t]", "[t.u]", "[[t]]", "[[t.u]]", "[ t ]", "[t", "[]", '["q"]', "[a]", "[t] # note", "[t]x"]
)
LINES = st.one_of(
    HEADS,
    st.builds("{} = {}".format, KEYS, VALUES),
    st.builds("{}={}".format, KEYS, VALUES),
    st.sampled_from(["", "# note", "   ", "a", "= 1"]),
)


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_any_text_is_read_alike_or_given_up(text: str) -> None:
    ours = plain_toml(text)
    if ours is not None and (theirs := tomls(text)) is not None:
        assert same(ours, theirs)


@given(
    st.dictionaries(
        st.text(max_size=6), st.dictionaries(st.text(max_size=6), st.text(max_size=6), min_size=1)
    )
)
def test_any_index_is_read_alike_or_given_up(index: dict[str, dict[str, str]]) -> None:
    found = plain_index(json.dumps(index, indent=0, ensure_ascii=False))
    if found is not None:
        assert {name: names for name, names in found.items() if names} == index


# --------------------------------------------------------------------------------- tables

TABLES = [*sorted(hardware_folder().glob("*.csv")), *sorted(reference_folder().rglob("*.csv"))]


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_a_shipped_table_is_read_as_csv_reads_it(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert parsed(lines) == list(csv.DictReader(lines))


CELLS = st.text(alphabet="ab1,\"' ", max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=5))
def test_any_table_that_csv_writes_is_read_back(rows: list[tuple[str, str, str]]) -> None:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([("a", "b", "c"), *rows])
    assert [tuple(row.values()) for row in parsed(file.getvalue().splitlines())] == rows
