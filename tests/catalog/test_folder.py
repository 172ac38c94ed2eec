"""Folders of records: one index for reading them quickly, and one way to find them by name."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from footprint.catalog import __main__ as writing
from footprint.catalog import folder as folders
from footprint.catalog.checks import limits
from footprint.catalog.files import data_root, hardware_folder
from footprint.catalog.folder import INDEX, Names, ids, index_text, indexed, read_record, read_records
from footprint.catalog.names import nearest
from footprint.catalog.prices.offers import about_offers
from footprint.errors import DataFileError

SHIPPED = (
    "hardware_profiles",
    "reference_data/models",
    "reference_data/assumptions",
    "reference_data/sources",
    "reference_data/laws",
    "reference_data/scale",
)
NAMES = Names({"names": ("id", "aliases"), "labels": ("label",)}, dashes=False)


def write(where: Path, record_id: str, aliases: list[str], label: str = "") -> None:
    where.mkdir(exist_ok=True)
    lines = [f"id = {json.dumps(record_id)}", f"aliases = {json.dumps(aliases)}"]
    text = "\n".join([*lines, f"label = {json.dumps(label)}"] if label else lines)
    (where / f"{record_id}.toml").write_text(text + "\n", encoding="utf-8")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    write(tmp_path, "one-a", ["uno", "First One"], label="Device 1")
    write(tmp_path, "two-b", ["dos"])
    return tmp_path


@pytest.mark.parametrize("written", [True, False])
def test_every_name_leads_to_its_record_with_and_without_an_index(two: Path, written: bool) -> None:
    if written:
        (two / INDEX).write_text(index_text(two, NAMES.scan(two)), encoding="utf-8")
    for name in ("one-a", "ONEA", "uno", "first-one", "First One", "device 1"):
        assert NAMES.find(two, name) == "one-a", name
    assert NAMES.find(two, "d-o-s") == "two-b"
    assert NAMES.find(two, "tres") is None
    assert set(NAMES.unindexed(two).values()) == (set() if written else {"one-a", "two-b"})


def test_the_index_alone_answers_for_what_it_knows(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (two / INDEX).write_text(index_text(two, NAMES.scan(two)), encoding="utf-8")
    monkeypatch.setattr(folders, "read_toml", lambda path: pytest.fail(f"read {path}"))
    assert NAMES.find(two, "uno") == "one-a"
    assert NAMES.find(two, "no such name") is None  # no file is read to learn that there is none


def test_sections_keep_kinds_of_names_apart(two: Path) -> None:
    (two / INDEX).write_text(index_text(two, NAMES.scan(two)), encoding="utf-8")
    index = json.loads((two / INDEX).read_text(encoding="utf-8"))
    assert index["names"] == [
        0,
        {
            "names": {
                "dos": "two-b",
                "first-one": "one-a",
                "one-a": "one-a",
                "two-b": "two-b",
                "uno": "one-a",
            },
            "labels": {"device-1": "one-a"},
        },
    ]
    assert NAMES.index(two) == index["names"][1]
    assert set(NAMES.suggested(two)) == {"dos", "first-one", "one-a", "two-b", "uno"}


def test_a_record_added_by_hand_is_found_beside_an_index(two: Path) -> None:
    (two / INDEX).write_text(index_text(two, NAMES.scan(two)), encoding="utf-8")
    write(two, "three-c", ["tres"])
    assert NAMES.find(two, "tres") == "three-c"
    assert NAMES.unindexed(two) == {"threec": "three-c", "tres": "three-c"}
    assert "three-c" in NAMES.suggested(two)
    (two / "three-c.toml").unlink()
    (two / "two-b.toml").unlink()
    assert NAMES.find(two, "dos") is None  # the index still names it; its file is gone


@pytest.mark.parametrize("rubbish", [b"\xff\xfe", b"= =", b'aliases = 3\nid = "x"', b"aliases = [1, 2]"])
def test_rubbish_hides_no_good_record(two: Path, rubbish: bytes) -> None:
    (two / "aaa.toml").write_bytes(rubbish)
    assert NAMES.find(two, "uno") == "one-a"
    assert NAMES.find(two, "aaa") == "aaa"  # asked for by its name it is found, and reading it is the error
    with pytest.raises((DataFileError, TypeError)):
        NAMES.scan(two)


def test_two_records_cannot_share_a_name_however_it_is_spelt(two: Path) -> None:
    write(two, "three-c", ["U-No"])
    with pytest.raises(DataFileError, match=r"three-c\.toml: the name 'u-no' belongs to one-a already|'uno'"):
        NAMES.scan(two)


def test_an_alias_cannot_be_another_records_id(two: Path) -> None:
    write(two, "aaa", ["twoB"])
    with pytest.raises(DataFileError, match=r"two-b\.toml: the name 'two-b' belongs to aaa already"):
        NAMES.scan(two)


def test_no_folder_holds_no_names(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    assert (ids(missing), NAMES.find(missing, "x"), NAMES.suggested(missing)) == ([], None, [])


def test_one_command_writes_all_indices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chips, reference = tmp_path / "chips", tmp_path / "reference"
    reference.mkdir()
    for where, record_id in ((chips, "chip"), (reference / "models", "model")):
        write(where, record_id, [record_id[0]])
    for name in ("assumptions", "sources", "laws", "scale", "engines", "techniques", "stages", "stacks"):
        (reference / name).mkdir()
        (reference / name / "x.toml").write_text('id = "x"\n[y]\nvalue = 1.0\n', encoding="utf-8")
    (chips / "prices.csv").write_text("dated\n2026-11-09\n")
    monkeypatch.setattr(writing, "hardware_folder", lambda: chips)
    monkeypatch.setattr(writing, "reference_folder", lambda: reference)
    assert writing.main() == 0
    names = json.loads((chips / INDEX).read_text())["names"]
    assert names == [0, {"aliases": {"c": "chip", "chip": "chip"}, "devices": {}}]
    assert indexed(chips, "prices.csv", "dated\n2026-11-09\n") == about_offers()
    assert about_offers()["newest"] == "2026-11-09"
    assert json.loads((reference / "assumptions" / INDEX).read_text())["x.toml"][1]["y"] == {"value": 1.0}
    before = (chips / INDEX).read_text()
    write(chips, "another", ["d"])
    (reference / "models" / "model.toml").write_text("= =")
    assert writing.main() == 2
    assert (chips / INDEX).read_text() == before  # all are written, or none


@pytest.mark.parametrize(("dashes", "found"), [(True, None), (False, "one-a")])
def test_dashes_count_or_do_not(two: Path, dashes: bool, found: str | None) -> None:
    names = Names(NAMES.sections, dashes=dashes)
    for index in ("", index_text(two, names.scan(two))):
        (two / INDEX).write_text(index, encoding="utf-8")
        assert names.find(two, "firstone") == names.find(two, "onea") == found
        assert names.find(two, "First_One") == names.find(two, " FIRST  ONE ") == "one-a"


# ------------------------------------------------------------------ the index as a quick copy


@pytest.mark.parametrize("name", SHIPPED)
def test_what_the_index_holds_is_what_the_files_say(name: str) -> None:
    """Equal, and of the same types: 1 is not 1.0, nor True 1."""
    where = data_root() / name
    for record_id in ids(where):
        text = (where / f"{record_id}.toml").read_text(encoding="utf-8")
        quick = indexed(where, f"{record_id}.toml", text)
        assert quick is not None, f"{record_id}: the index is stale: run python -m footprint.catalog"
        assert repr(quick) == repr(tomllib.loads(text)) == repr(read_record(where, record_id))
    assert [one for one, _ in read_records(where)] == ids(where)


@pytest.mark.parametrize("name", SHIPPED)
def test_an_index_holds_nothing_else(name: str) -> None:
    where = data_root() / name
    files = {path.name for path in where.glob("*.toml")} | (
        {"prices.csv"} & {p.name for p in where.iterdir()}
    )
    assert set(json.loads((where / INDEX).read_text(encoding="utf-8"))) == {"names"} | files


def test_no_shipped_file_is_parsed_while_the_index_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "parse_toml", lambda text, origin: pytest.fail(f"parsed {origin}"))
    assert len(dict(read_records(hardware_folder()))) == len(list(hardware_folder().glob("*.toml")))


def test_a_changed_file_is_read_itself(two: Path) -> None:
    (two / INDEX).write_text(index_text(two, NAMES.scan(two)), encoding="utf-8")
    fresh = read_record(two, "one-a")
    write(two, "one-a", ["uno", "First One"], label="Device 2")  # as many bytes as before
    assert read_record(two, "one-a") == fresh | {"label": "Device 2"}
    assert dict(read_records(two))["one-a"] == fresh | {"label": "Device 2"}
    write(two, "three-c", ["tres"])
    assert read_record(two, "three-c")["aliases"] == ["tres"]
    with pytest.raises(DataFileError, match="nothing"):
        read_record(two, "nothing")


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"[not json",
        b"\xff\xfe",
        b"{}",
        b'{\n"one-a.toml": [3, ',
        b"[]",
        b'{\n"names": [0, [1, 2]]\n}\n',
        b'{\n"names": [0, {"aliases": ["uno"]}]\n}\n',
        b'{\n"names": [0, {"aliases": {"uno": 3}}]\n}\n',
        b'{\n"names": [0, ' + b"[" * 100_000 + b"]]\n}\n",
    ],
    ids=range(10),
)
def test_an_index_that_is_none_is_left_aside(two: Path, rubbish: bytes) -> None:
    (two / INDEX).write_bytes(rubbish)
    assert [one for one, _ in read_records(two)] == ["one-a", "two-b"]
    assert read_record(two, "two-b")["aliases"] == ["dos"]
    assert NAMES.find(two, "uno") == "one-a"


def test_a_line_cut_short_is_left_aside(two: Path) -> None:
    whole = index_text(two, NAMES.scan(two))
    for length in range(len(whole)):
        (two / INDEX).write_text(whole[:length], encoding="utf-8")
        assert [tables["id"] for _, tables in read_records(two)] == ["one-a", "two-b"]


def test_a_name_is_suggested_in_one_spelling() -> None:
    assert nearest("llama-8b", ["llama3-8b", "llama-3-8b", "llama-7b", "olmo-1b"]) == [
        "llama3-8b",
        "llama-7b",
    ]
