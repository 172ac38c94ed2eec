"""Finding records by name: the one way that accelerators and models share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from footprint.catalog import files, folder, models
from footprint.catalog.folder import INDEX, Names, ids
from footprint.errors import DataFileError

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
        (two / INDEX).write_text(NAMES.index_text(two), encoding="utf-8")
    for name in ("one-a", "ONEA", "uno", "first-one", "First One", "device 1"):
        assert NAMES.find(two, name) == "one-a", name
    assert NAMES.find(two, "d-o-s") == "two-b"
    assert NAMES.find(two, "tres") is None
    assert set(NAMES.unindexed(two).values()) == (set() if written else {"one-a", "two-b"})


def test_the_index_alone_answers_for_what_it_knows(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (two / INDEX).write_text(NAMES.index_text(two), encoding="utf-8")
    monkeypatch.setattr(folder, "read_toml", lambda path: pytest.fail(f"read {path}"))
    assert NAMES.find(two, "uno") == "one-a"
    assert NAMES.find(two, "no such name") is None  # no file is read to learn that there is none


def test_sections_keep_kinds_of_names_apart(two: Path) -> None:
    (two / INDEX).write_text(NAMES.index_text(two), encoding="utf-8")
    index = json.loads((two / INDEX).read_text(encoding="utf-8"))
    assert index == {
        "names": {"dos": "two-b", "first-one": "one-a", "one-a": "one-a", "two-b": "two-b", "uno": "one-a"},
        "labels": {"device-1": "one-a"},
    }
    assert {section: names for section, names in NAMES.index(two).items() if names} == index
    assert set(NAMES.suggested(two)) == {"dos", "first-one", "one-a", "two-b", "uno"}


def test_a_record_added_by_hand_is_found_beside_an_index(two: Path) -> None:
    (two / INDEX).write_text(NAMES.index_text(two), encoding="utf-8")
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


def test_one_command_writes_both_indices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chips, built_in = tmp_path / "chips", tmp_path / "models"
    write(chips, "chip", ["c"])
    write(built_in, "model", ["m"])
    monkeypatch.setattr(files, "hardware_folder", lambda: chips)
    monkeypatch.setattr(models, "models_folder", lambda: built_in)
    assert folder.main() == 0
    assert json.loads((chips / INDEX).read_text()) == {
        "aliases": {"c": "chip", "chip": "chip"},
        "devices": {},
    }
    assert json.loads((built_in / INDEX).read_text()) == {"aliases": {"m": "model", "model": "model"}}
    (built_in / "model.toml").write_text("= =")
    assert folder.main() == 2


@pytest.mark.parametrize(("dashes", "found"), [(True, None), (False, "one-a")])
def test_dashes_count_or_do_not(two: Path, dashes: bool, found: str | None) -> None:
    names = Names(NAMES.sections, dashes=dashes)
    for index in ("", names.index_text(two)):
        (two / INDEX).write_text(index, encoding="utf-8")
        assert names.find(two, "firstone") == names.find(two, "onea") == found
        assert names.find(two, "First_One") == names.find(two, " FIRST  ONE ") == "one-a"
