"""Whatever is in a file of jobs: an answer or one line, never a traceback, never a number from nowhere."""

from __future__ import annotations

import csv
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.run import Outcome, footprint

SACCT = Path(__file__).with_name("sacct")
HEAD = "JobID|JobIDRaw|State|ElapsedRaw|AllocTRES|ConsumedEnergyRaw|NNodes|Start|JobName"
GOOD = "1|1|COMPLETED|3600|gres/gpu:v100=1,gres/gpu=1|0|1|1771200000|train"
SETTINGS = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
WORDS = (
    "", " ", "nan", "-1", "inf", "1e308", "9" * 40, "18446744073709551614", "4294967294", "0x10", "١٢",
    "=cmd|'/c calc'!A1", "@SUM(1)", "\x1b[31mred", "\x00", "a|b", "Unknown", "COMPLETED", "1_[0-9]", "1+1",
    "gres/gpu:v100=99999999999", "gres/gpu:=4", "gres/gpu=-4", "gres/gpu:v100=4.5", "gres/gpu", "=", ",,,",
    "gres/gpu:../../etc/passwd=1", "gres/gpu:x.toml=2", "1.batch", "\u202e", "3-07:12:00", "None assigned",
    "1:2", "00:00:00", "2026-02-16T00:00:00", "9999-12-31T23:59:59", "-99999",
)  # fmt: skip
ODD = st.one_of(st.sampled_from(WORDS), st.text(max_size=12), st.integers(-(10**25), 10**25).map(str))


def read(path: Path, *args: str) -> Outcome:
    done = footprint("slurm", str(path), "--pue", "1.2", "--grid-g-per-kwh", "50", *args)
    assert done.code in (0, 2), done.err
    assert "Traceback" not in done.err
    assert "our own fault" not in done.err
    for text in (done.out, done.err):
        assert not any(ord(char) < 32 and char != "\n" for char in text), "a control character got through"
    return done


def checked(path: Path) -> list[dict[str, Any]]:
    """The JSON records of a file, every quantity finite and in order; and the page in 80 columns."""
    done = read(path, "--format", "json")
    if done.code:
        assert len(done.err.strip().splitlines()) == 1
        return []
    found: list[dict[str, Any]] = json.loads(done.out)
    for record in found:
        for name in ("duration_h", "energy_kwh", "co2e_kg", "accelerator_h"):
            quantity = record[name]
            assert 0 < quantity.get("low", quantity["mid"]) <= quantity["mid"] < math.inf
        json.dumps(record, allow_nan=False)
    page = read(path)
    assert page.code == 0
    assert max(map(len, page.out.splitlines())) <= 80
    return found


@SETTINGS
@given(cells=st.dictionaries(st.sampled_from(range(9)), ODD, max_size=4))
def test_any_cell(cells: dict[int, str], tmp_path: Path) -> None:
    row = GOOD.split("|")
    for at, text in cells.items():
        row[at] = text
    file = tmp_path / "jobs.txt"
    file.write_text(
        f"{HEAD}\n{'|'.join(row)}\n2|2|COMPLETED|7200|gres/gpu:v100=2|0|1|1771200000|x\n", "utf-8"
    )
    found = checked(file)
    if not {"\0", "\n", "\r"} & set("".join(cells.values())):  # one of these breaks the file, not the row
        assert [r["accelerator_h"]["mid"] for r in found if r["slurm"]["raw_id"] == "2"] == [4.0]


@SETTINGS
@given(data=st.binary(max_size=300))
def test_any_bytes(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "jobs.bin"
    file.write_bytes(data)
    assert read(file).code == 2


@SETTINGS
@given(text=st.text(max_size=200))
def test_any_text_under_a_header(text: str, tmp_path: Path) -> None:
    file = tmp_path / "jobs.txt"
    file.write_text(f"{HEAD}\n{text}", "utf-8", errors="replace")
    checked(file)


@pytest.fixture(scope="module")
def whole() -> dict[str, float]:
    """Accelerator-hours of each job of the file that is cut."""
    return {record["run_id"]: record["accelerator_h"]["mid"] for record in checked(SACCT / "jobs.psv")}


@SETTINGS
@given(cut=st.integers(0, 6_500), seed=st.integers(0, 2**32))
def test_cut_anywhere_and_shuffled(cut: int, seed: int, whole: dict[str, float], tmp_path: Path) -> None:
    """A cut file loses jobs or says so; no job gains hours, whatever the order of the rows."""
    text = (SACCT / "jobs.psv").read_text()
    file = tmp_path / "jobs.txt"
    head, *rows = text[:cut].splitlines() or [""]
    random.Random(seed).shuffle(rows)  # noqa: S311 - not a secret
    file.write_text("\n".join((head, *rows)))
    for record in checked(file):
        run_id = record["run_id"].partition("-launch")[0]
        most = max((h for name, h in whole.items() if name.partition("-launch")[0] == run_id), default=0.0)
        assert record["accelerator_h"]["mid"] <= most * (1 + 1e-9)


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8),
    st.just([]), st.just({}), st.just({"set": True, "infinite": False, "number": -2}),
)  # fmt: skip


@pytest.mark.slow
@SETTINGS
@given(
    version=st.sampled_from(["22.05", "24.05"]),
    steps=st.lists(st.integers(0, 10**6), min_size=2, max_size=7),
    leaf=LEAVES,
)
def test_any_leaf_of_the_json(version: str, steps: list[int], leaf: object, tmp_path: Path) -> None:
    tree = json.loads((SACCT / f"jobs_{version}.json").read_text())
    holder: Any = tree
    for at in steps[:-1]:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        child = holder[keys[at % len(keys)]] if keys else None
        if not isinstance(child, dict | list) or not child:
            break
        holder = child
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    holder[keys[steps[-1] % len(keys)]] = leaf
    file = tmp_path / "jobs.json"
    file.write_text(json.dumps(tree))
    checked(file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"\x00\x01\x02", "not a text file"),
        (b"\xff\xfe", "not a text file"),
        (b"{", "not the whole output of sacct --json"),
        (b'{"jobs": 3}', "without a list of jobs"),
        (b'{"jobs": []}', "no job in it"),
        (b"[1, 2]", "without a list of jobs"),
        (b"{" * 100_000, "sacct --json"),
        (b'{"jobs": [{"job_id": ' + b"9" * 5000 + b"}]}", "sacct --json"),
        (b"JobID,State,ElapsedRaw,AllocTRES\n1,COMPLETED,3600,gres/gpu:v100=1\n", "no header of sacct -P"),
        (
            b"JobID\tState\tElapsedRaw\tAllocTRES\n1\tCOMPLETED\t3600\tgres/gpu:v100=1\n",
            "no header of sacct -P",
        ),
        (b"JobID|JobName|State|ExitCode\n1|x|COMPLETED|0:0\n", "column ElapsedRaw, AllocTRES is missing"),
        (b"JobID|State|ElapsedRaw|AllocTRES\n1|COMPLETED|3600\n", "3 cells where the header has 4"),
        (
            b"JobID|State|ElapsedRaw|AllocTRES\n1.batch|COMPLETED|3600|gres/gpu=1\n",
            "only 1 rows of its steps",
        ),
        (b"JobID|State|ElapsedRaw|AllocTRES\n", "no job in it"),
        (b"JobID|State|ElapsedRaw|AllocTRES\n1|COMPLETED|3600|gres/gpu:v100=100000000\n", "too large"),
        (b"JobID|State|ElapsedRaw|AllocTRES\n1|COMPLETED|99999999999999|gres/gpu:v100=1\n", "job 1: hours"),
        (b"JobID|State|ElapsedRaw|AllocTRES\n1|COMPLETED|-5|gres/gpu:v100=1\n", "not a whole number"),
        (b"JobID|State|ElapsedRaw|AllocTRES\n1|COMPLETED|NaN|gres/gpu:v100=1\n", "not a whole number"),
    ],
)
def test_by_hand(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "jobs.txt"
    file.write_bytes(content)
    done = read(file)
    assert done.code == 2
    assert said in done.err
    assert len(done.err) < 1000


def test_the_usual_listing_is_refused_with_the_command_that_helps() -> None:
    done = read(SACCT / "fixed_width.txt")
    assert done.code == 2
    assert "make the file with: sacct -P --noconvert --duplicates --format=" in done.err


@pytest.mark.parametrize("what", ["folder", "missing", "pipe", "nul"])
def test_what_is_no_file(what: str, tmp_path: Path) -> None:
    import os

    path = str(tmp_path / "x")
    if what == "folder":
        Path(path).mkdir()
    if what == "pipe":
        os.mkfifo(path)
    if what == "nul":
        path = "a\0b"
    done = footprint("slurm", path)
    assert done.code == 2
    assert "our own fault" not in done.err


def test_a_formula_in_a_name_stays_text(tmp_path: Path) -> None:
    file, out = tmp_path / "jobs.txt", tmp_path / "runs.csv"
    file.write_text(f"{HEAD}\n{GOOD.replace('train', '=HYPERLINK(1)')}\n", "utf-8")
    assert read(file, "-o", str(out)).code == 0
    with out.open(newline="") as text:
        (row,) = csv.DictReader(text)
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
    assert "HYPERLINK" in row["name"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--hw", "v101"), "unknown accelerator"),
        (("--hw", "v100", "--hw", "a100"), "contradict"),
        (("--hw", "x=nothing-like-it"), "unknown accelerator"),
        (("--pue", "0.5"), "--pue must be at least 1"),
        (("--region", "Atlantis"), "unknown"),
        (("--year", "1815"), "--year"),
        (("--usd-per-hour", "-3"), "--usd-per-hour"),
        (("--energy-plugin", "magic"), "--energy-plugin"),
        (("--accelerators-per-node", "0"), "--accelerators-per-node"),
    ],
)
def test_options_are_checked(args: tuple[str, ...], said: str) -> None:
    done = footprint("slurm", str(SACCT / "jobs.psv"), *args)
    assert done.code == 2
    assert said in done.err


def test_many_steps_count_once_each(tmp_path: Path) -> None:
    """A job of 20,000 srun steps, none of them an extern step."""
    rows = [HEAD, "1|1|COMPLETED|40000|gres/gpu:v100=8,gres/gpu=8,node=2|0|2|1771200000|loop"]
    rows += [f"1.{n}|1.{n}|COMPLETED|2|node=2|2400|2|{1_771_200_000 + 2 * n}|step" for n in range(20_000)]
    file = tmp_path / "jobs.txt"
    file.write_text("\n".join(rows))
    (record,) = [r for r in checked(file) if r["kind"] == "measurement"]
    assert record["it_energy_kwh"]["mid"] == pytest.approx(20_000 * 2400 / 3.6e6)
