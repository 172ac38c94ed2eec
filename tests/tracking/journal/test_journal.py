"""The journal keeps whole lines whole, whatever happens to the disk under it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footprint.tracking.journal.codec import decode, encode
from footprint.tracking.journal.lines import (
    SCHEMA,
    Board,
    EstimateLine,
    FoundLine,
    JournalLine,
    MeterLine,
    StartLine,
    StateLine,
)
from footprint.tracking.journal.reader import UnreadableJournalError, read_journal
from footprint.tracking.journal.writer import JournalWriter
from footprint.tracking.process.identity import Identity
from footprint.tracking.totals.process_totals import processes_in

FIRST = StartLine(run_id="r", process=Identity(host="a", boot_id="b", pid=1, launcher="none"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@pytest.mark.slow
@given(st.dictionaries(st.text(min_size=1).filter(lambda k: k != "crc"), values, min_size=1, max_size=5))
def test_a_line_is_json_and_comes_back_equal(record: dict[str, object]) -> None:
    line = encode(record)
    assert line.count(b"\n") == 1
    assert {k: v for k, v in json.loads(line).items() if k != "crc"} == record  # any JSON tool reads it
    assert decode(line) == record


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_any_changed_byte_is_noticed(where: int, change: int) -> None:
    line = bytearray(encode({"steps": 12345, "kwh": {"cpu": 0.25}}))
    where %= len(line) - 1
    line[where] ^= change
    assert decode(bytes(line)) is None


def test_what_json_cannot_say_is_left_empty() -> None:
    line = encode({"kwh": {"cpu": float("inf"), "ram": 1.5}, "low": [float("nan"), 2.0]})
    assert decode(line) == {"kwh": {"cpu": None, "ram": 1.5}, "low": [None, 2.0]}


def test_the_checksum_is_crc32_over_what_precedes_it() -> None:
    line = encode({"a": 1})
    body, _, rest = line.partition(b',"crc":"')
    assert int(rest[:8], 16) == zlib.crc32(body)


def writer(folder: Path) -> JournalWriter:
    return JournalWriter(folder / "r" / "p.journal.jsonl", FIRST)


def state(steps: int) -> StateLine:
    return StateLine(boot_s=float(steps), steps=steps)


def steps(lines: list[JournalLine]) -> list[int]:
    return [line.steps for line in lines if isinstance(line, StateLine)]


@pytest.mark.parametrize("cut", range(0, 90, 7))
def test_a_torn_last_line_costs_only_itself(tmp_path: Path, cut: int) -> None:
    journal = writer(tmp_path)
    for step in range(5):
        assert journal.write(state(step))
    journal.close()
    data = journal.path.read_bytes()
    last = data.rstrip(b"\n").rfind(b"\n") + 1
    journal.path.write_bytes(data[: last + min(cut, len(data) - last - 2)])
    read = read_journal(journal.path)
    assert steps(read.lines) == [0, 1, 2, 3]
    assert read.damaged == (1 if cut else 0)


def test_a_damaged_line_in_the_middle_is_left_out_and_counted(tmp_path: Path) -> None:
    journal = writer(tmp_path)
    for step in range(5):
        journal.write(state(step))
    lines = journal.path.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"steps":2', b'"steps":9')
    journal.path.write_bytes(b"".join(lines) + b"\x00\xff garbage\n")
    read = read_journal(journal.path)
    assert steps(read.lines) == [0, 1, 3, 4]
    assert read.damaged == 2


def test_a_later_schema_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "x.journal.jsonl"
    path.write_bytes(encode({"type": "start", "schema": "footprint/journal/9"}))
    with pytest.raises(UnreadableJournalError, match=r"journal/9.*update"):
        read_journal(path)
    (tmp_path / "empty.journal.jsonl").write_bytes(b"")
    (tmp_path / "binary.journal.jsonl").write_bytes(os.urandom(4096))
    good = writer(tmp_path)
    processes, problems = processes_in(tmp_path)
    assert [process.journal.path for process in processes] == [good.path]
    assert len(problems) == 3


def test_an_existing_file_is_never_written_over(tmp_path: Path) -> None:
    writer(tmp_path)
    with pytest.raises(FileExistsError):
        writer(tmp_path)


def test_a_folder_deleted_under_the_run_comes_back(tmp_path: Path) -> None:
    journal = writer(tmp_path)
    journal.write(state(1))
    shutil.rmtree(tmp_path / "r")
    assert journal.write(state(2))
    read = read_journal(journal.path)
    assert (read.start.schema, read.run_id) == (SCHEMA, "r")
    assert steps(read.lines) == [2]  # totals are cumulative: 2 says all


def test_another_file_in_its_place_is_left_alone(tmp_path: Path) -> None:
    journal = writer(tmp_path)
    journal.path.unlink()
    journal.path.write_text("somebody else's")
    assert not journal.write(state(1))
    assert journal.problem
    assert journal.path.read_text() == "somebody else's"


@pytest.fixture
def small_disk(tmp_path: Path):
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)], capture_output=True
    )
    if done.returncode:
        pytest.skip("mounting a small tmpfs is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_and_then_room_again(small_disk: Path) -> None:
    journal = writer(small_disk)
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 8192)
    kept = []
    for step in range(400):
        if journal.write(StateLine(boot_s=0.0, steps=step, used=("x" * 100,))):
            kept.append(step)
        else:
            break
    assert kept
    assert "space" in journal.problem
    filler.unlink()
    assert journal.write(state(999))
    read = read_journal(journal.path)
    assert steps(read.lines) == [*kept, 999]
    assert read.damaged <= 1  # the line during which the disk filled up


def test_a_deleted_journal_on_a_full_disk_comes_back_when_there_is_room(small_disk: Path) -> None:
    journal = writer(small_disk)
    journal.write(MeterLine(boot_s=0.0))
    journal.path.unlink()
    filler = small_disk / "filler"
    with contextlib.suppress(OSError):
        filler.write_bytes(b"x" * 32768)
    assert not journal.write(EstimateLine(record={"pad": "x" * 9000}))
    assert not journal.path.exists()  # no headless file
    filler.unlink()
    assert journal.write(state(2))
    assert [line.kind for line in read_journal(journal.path).lines] == ["meter", "estimate", "state"]


def test_what_found_no_room_is_written_before_the_next_line(small_disk: Path) -> None:
    """The meter's line says what the energies of all later lines are; no later line repeats it."""
    journal = writer(small_disk)
    filler = small_disk / "filler"
    with contextlib.suppress(OSError):
        filler.write_bytes(b"x" * 32768)
    assert not journal.write(MeterLine(boot_s=0.0, devices=(Board(uuid="x" * 9000),)))
    assert not journal.write(FoundLine(given={}))
    filler.unlink()
    assert journal.write(state(2))
    assert [line.kind for line in read_journal(journal.path).lines] == ["meter", "found", "state"]
