"""One bad journal stops nothing: whatever stands in it, with a right checksum, costs itself and one line."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from footprint.results.row_reader import read_rows
from footprint.tracking import Run
from footprint.tracking.journal.codec import decode, encode
from footprint.tracking.process.identity import identify
from footprint.tracking.report.archive import Archive, open_archive, total_of
from footprint.tracking.report.recovery import recover
from footprint.tracking.report.summaries import list_runs
from tests.repeated import repeated
from tests.tracking.journal_cluster import Cluster

Quick = Callable[..., Run]
RECORDED = Path(__file__).with_name("journals")
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**62, 2**63, 10**309, -(10**400), 0.0, -0.5, 1e-320, 1e308,
    float("inf"), float("-inf"), float("nan"), "", "x", "x" * 20_000, "\0", "../../etc", "/", "=1+1",
    "\ud800", "٣", "1e999", [], [[]], [None] * 3, ["x"], [1, 2, 3, 4], [float("nan")] * 4, {}, {"x": "y"},
    {"": None}, {"\ud800": 1}, {"node": -1}, {"node": float("inf")}, {"cpu": {"cpu": 1}}, {"train": 5},
    {"mid": "x"}, {"low": 3, "mid": 2, "high": 1},
)  # fmt: skip


def deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def line_of(record: dict[str, Any]) -> bytes:
    """A line with a right checksum, as a program that allows infinities writes it."""
    import zlib

    body = json.dumps(record, separators=(",", ":"))[:-1].encode()
    return body + b',"crc":"%08x"}\n' % zlib.crc32(body)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a record there are values."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield from places(part, (*path, key))


def edited(record: dict[str, Any], place: tuple[Any, ...], odd: Any, rng: random.Random) -> dict[str, Any]:
    """The record with the value at a place changed, taken away, or another one added beside it."""
    record = json.loads(json.dumps(record))
    *way, last = place
    inside: Any = record
    for key in way:
        inside = inside[key]
    if rng.random() < 0.1:
        del inside[last]
    elif rng.random() < 0.05:
        inside[last] = deep(rng.choice((30, 500)))
    elif isinstance(inside, dict) and rng.random() < 0.1:
        inside[rng.choice(("kwh", "csv", "hw", "model", "x", "type", "marks"))] = odd
    else:
        inside[last] = odd
    return record


def recorded() -> list[list[dict[str, Any]]]:
    """The lines of every journal that was recorded, and of one with boards and ranks."""
    found = [path.read_bytes().splitlines() for path in sorted(RECORDED.rglob("*.jsonl"))]
    return [[record for line in lines if (record := decode(line)) is not None] for lines in found]


Edit = tuple[int, tuple[Any, ...], Any]
"""The number of a line, a place in it, and the value that it gets."""


def edits(lines: list[dict[str, Any]], rng: random.Random) -> Iterator[Edit]:
    """Every place of a journal with every odd value, in a random order; entries of a list are one place."""
    alike: dict[tuple[Any, ...], list[tuple[int, tuple[Any, ...]]]] = {}
    for at, line in enumerate(lines):
        for place in places(line):
            if place != ("type",):
                kind = tuple("*" if isinstance(key, int) else key for key in place)
                alike.setdefault((line["type"], *kind), []).append((at, place))
    every = [(*rng.choice(found), odd) for found in alike.values() for odd in ODD]
    rng.shuffle(every)
    return itertools.cycle(every)


def edited_journals(
    folder: Path, count: int, rng: random.Random, decks: list[Iterator[Edit]] | None = None
) -> None:
    """So many journals, each a run of its own with one to three edits of the decks."""
    originals = recorded()
    decks = decks or [edits(lines, rng) for lines in originals]
    for n in range(count):
        lines, deck = rng.choice(list(zip(originals, decks, strict=True)))
        lines = [dict(line) for line in lines]
        lines[0]["run_id"] = f"fuzz-{n}"
        lines[0]["process"] = {**lines[0]["process"], "pid": 2**22 + n, "launch": f"fuzz-{n}"}
        for at, place, odd in itertools.islice(deck, rng.randint(1, 3)):
            # An edit before it may have taken the place away.
            with contextlib.suppress(KeyError, IndexError, TypeError):
                lines[at] = edited(lines[at], place, odd, rng)
        if rng.random() < 0.5:
            lines = [line for line in lines if line.get("type") != "end"]
        place = folder / f"fuzz-{n}"
        place.mkdir(parents=True)
        (place / "n.journal.jsonl").write_bytes(b"".join(map(line_of, lines)))


def healthy(folder: Path) -> None:
    Cluster(folder).process("healthy", start=10.0, end=610.0, launch="h", watts={"node": 360.0})


def survived(folder: Path, count: int, seed: int, decks: list[Iterator[Edit]] | None = None) -> Counter[str]:
    """What was made of so many edited journals; nothing may raise."""
    rng = random.Random(seed)  # noqa: S311
    edited_journals(folder / "runs", count, rng, decks)
    healthy(folder / "runs")
    archive = open_archive([folder / "runs"])
    reports = archive.reports()
    total_of(reports)
    listed, problems = list_runs([folder / "runs"])
    again, _ = list_runs([folder / "runs"])
    done = recover(open_archive([folder / "runs"]), folder / "runs.csv")
    assert {run.run_id for run in again} == {run.run_id for run in listed}
    (well,) = [report for report in reports if report.measurement.run_id == "healthy"]
    assert well.measurement.it_energy_kwh is not None
    assert well.measurement.it_energy_kwh.mid == pytest.approx(0.06)
    rows = Counter(row["run_id"] for row in read_rows(folder / "runs.csv", kind="measurement")[0])
    assert rows["healthy"] == 1
    assert set(rows.values()) == {1}
    seen = {p.journal.path.parent.name for report in reports for p in report.totals.processes}
    for n in range(count):  # what is missing is named
        assert f"fuzz-{n}" in seen or any(f"fuzz-{n}/" in problem for problem in archive.problems)
    return Counter(
        journals=count, reported=len(reports) - 1, recovered=len(done) - 1, listed=len(listed) - 1,
        lines_said=len(set(problems)),
    )  # fmt: skip


@pytest.mark.slow
def test_journals_with_edited_values(tmp_path: Path) -> None:
    found = survived(tmp_path, 120, seed=1)
    assert found["reported"] > 20
    assert found["lines_said"] > 20


@pytest.mark.slow
@repeated
def test_two_thousand_journals_with_edited_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No edit is made twice."""
    found: Counter[str] = Counter()
    rng = random.Random(0)  # noqa: S311
    decks = [edits(lines, rng) for lines in recorded()]
    for seed in range(20):
        found += survived(tmp_path / str(seed), 100, seed, decks)
    with capsys.disabled():
        print(dict(found))  # noqa: T201
    assert found["journals"] == 2000


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("meter", "channels", "x"),
        ("state", "kwh", float("inf")),
        ("state", "kwh", {"node": float("inf")}),
        ("state", "tokens", 10**309),
        ("start", "process", {"nodes": 2**62}),
        ("start", "given", {"csv": "/dev/null\0"}),
        ("end", "status", "wonderful"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_file(
    tmp_path: Path, kind: str, field: str, value: Any
) -> None:
    healthy(tmp_path)
    healthy(tmp_path / "bad")
    (path,) = (tmp_path / "bad").rglob("*.jsonl")
    lines = [decode(line) or {} for line in path.read_bytes().splitlines()]
    lines[0]["run_id"] = "bad"
    at = next(n for n, line in enumerate(lines) if line["type"] == kind)
    inside = lines[at][field] if isinstance(lines[at].get(field), dict) and isinstance(value, dict) else {}
    lines[at][field] = {**inside, **value} if isinstance(value, dict) else value
    path.write_bytes(b"".join(map(line_of, lines)))
    archive = open_archive([tmp_path])
    assert archive.report("healthy").measurement.status == "completed"
    (problem,) = archive.problems
    assert str(path) in problem
    assert "\n" not in problem


def test_counts_that_no_machine_has_allocate_nothing(tmp_path: Path) -> None:
    Cluster(tmp_path).process("big", launcher="mpi", world_size=10**7, nodes=10**7, launch="b")
    missing = open_archive([tmp_path]).report("big").totals.missing
    assert missing[0] == "9999999 of 10000000 nodes never reported"
    for environ in (
        {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": str(10**12)},
        {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "9" * 5000},
        {"OMPI_COMM_WORLD_RANK": "²", "OMPI_COMM_WORLD_SIZE": "4"},
        {"SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_ID": "0", "SLURM_STEP_TASKS_PER_NODE": "4(x99999999),3",
         "SLURM_NODEID": "99999999"},
    ):  # fmt: skip
        who = identify(environ)
        assert who.world_size <= 10**7
        assert who.rank == 0


def test_what_only_has_the_name_of_a_journal_is_not_opened(tmp_path: Path) -> None:
    healthy(tmp_path)
    place = tmp_path / "odd"
    place.mkdir()
    os.mkfifo(place / "fifo.journal.jsonl")  # to open it would wait for ever
    (place / "folder.journal.jsonl").mkdir()
    (place / "link.journal.jsonl").symlink_to(next(tmp_path.rglob("p1.journal.jsonl")))
    (place / "loop").symlink_to(tmp_path)
    (place / "zero.journal.jsonl").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place / "s.journal.jsonl")) if len(str(place)) < 80 else None
        archive = open_archive([tmp_path])
        listed, problems = list_runs([tmp_path])
    assert list(archive.runs) == ["healthy"]
    assert [run.run_id for run in listed] == ["healthy"]
    assert len(problems) >= 4
    assert all("not a regular file" in problem for problem in problems)
    (place / ".summary").mkdir()
    os.mkfifo(tmp_path / "healthy" / ".summary.x")
    assert len(list_runs([tmp_path])[0]) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff" * 999, encode({"state": 5}), encode({"made_by": []})]
)
def test_a_summary_that_does_not_fit_is_made_anew(tmp_path: Path, content: bytes) -> None:
    healthy(tmp_path)
    (before,), _ = list_runs([tmp_path])
    (summary,) = tmp_path.rglob(".summary")
    summary.write_bytes(content)
    assert list_runs([tmp_path])[0] == [before_again(before, list_runs([tmp_path])[0][0])]
    assert summary.read_bytes() != content


def before_again(before: Any, now: Any) -> Any:
    """The same list entry, whose measurement was made at another second."""
    from dataclasses import replace

    return replace(before, whole=now.whole)


def test_a_run_beside_a_bad_journal_ends_with_its_row(quick: Quick, tmp_path: Path) -> None:
    edited_journals(tmp_path / "footprint-runs", 40, random.Random(5))  # noqa: S311
    healthy(tmp_path / "footprint-runs")
    with quick(csv="runs.csv", run_id="good") as run:
        run.step(tokens=10**309)
        run.step(tokens=5)
    assert [row["run_id"] for row in read_rows(Path("runs.csv"), kind="measurement")[0]] == ["good"]
    assert run.measurement is not None
    assert (run.measurement.workload.steps, run.measurement.workload.tokens) == (2, 5)
    assert any("was not a count" in problem for problem in run.problems)
    assert "good" in open_archive([tmp_path / "footprint-runs"]).runs


def test_a_summary_is_made_anew_when_a_neighbour_turns_up(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    cluster.process("one", launch="one", watts={"cpu": 300.0}, cpu=1.0)
    (alone,), _ = list_runs([tmp_path])
    assert alone.measurement()["it_energy_kwh"]["mid"] == pytest.approx(0.05)
    cluster.process("other", launch="other", watts={"cpu": 300.0}, cpu=1.0)
    both, _ = list_runs([tmp_path])
    assert [run.measurement()["it_energy_kwh"]["mid"] for run in both] == pytest.approx([0.025, 0.025])
    assert list_runs([tmp_path])[0] == both
    direct = Archive(open_archive([tmp_path]).runs).report("one").measurement
    assert direct.it_energy_kwh is not None
    assert direct.it_energy_kwh.mid == pytest.approx(0.025)
