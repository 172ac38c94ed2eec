"""Files that a stranger wrote, at every door that opens one: one message, exit code 2, and little spent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from footprint import estimate
from footprint.catalog.files import read_text
from footprint.errors import DataFileError, FootprintError
from footprint.results.row_reader import read_rows
from tests.cli.run import footprint
from tests.conftest import ROOT
from tests.hostile.files import JSON, NAMES, TOML

MOST_S, MOST_MB = 10.0, 100.0
MODEL, HW = ("--model", "bert-base"), ("--hw", "v100:8")
DOORS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "check": lambda path: ("check", path),
    "--model": lambda path: ("estimate", "--model", path, *HW),
    "--hw": lambda path: ("estimate", *MODEL, "--hw", path),
    "--from": lambda path: ("estimate", "--from", path),
    "--anchor": lambda path: ("estimate", *MODEL, *HW, "--anchor", path),
    "anchor --show": lambda path: ("anchor", "--show", path),
    "flops": lambda path: ("flops", "--model", path),
    "hardware show": lambda path: ("hardware", "show", path),
    "models show": lambda path: ("models", "show", path),
    "slurm": lambda path: ("slurm", path),
    "--region": lambda path: ("estimate", *MODEL, *HW, "--region", path),
    "--provider": lambda path: ("estimate", *MODEL, *HW, "--provider", path),
}
SOME = ("dotted key", "dotted key behind a string that hides it", "lists in each other", "NULs", "binary",
        "a number of many figures in hexadecimals", "a string of 8 MB", "9 MB")  # fmt: skip


def refused(*args: str) -> str:
    """What is said of it: one line that is no traceback, with exit code 2."""
    done = footprint(*args)
    assert done.code == 2, (args, done.err[:500])
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert len(done.err) < 2_500
    assert "our own fault" not in done.err
    return done.err


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux does")
def test_no_file_costs_much() -> None:
    """By the processor's time, which other programs do not lengthen, and the peak of the memory in use."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.cost"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(TOML) + len(JSON) > 50
    wrong = [
        row
        for row in rows
        if (row["code"], row["lines"], row["out"]) != (2, 1, 0)
        or row["seconds"] > MOST_S
        or row["mb"] > MOST_MB
    ]
    assert not wrong


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", SOME)
def test_a_file_at_every_door(door: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(TOML[name])
    refused(*DOORS[door](str(path)))


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _loop(path: Path) -> None:
    path.symlink_to(path.with_name("other"))
    path.with_name("other").symlink_to(path)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


ODD: dict[str, Callable[[Path], None]] = {
    "FIFO": _fifo,
    "symlink loop": _loop,
    "sparse TB": _huge,
    "folder": lambda path: path.mkdir(),
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a process's memory": lambda path: path.symlink_to("/proc/self/mem"),
    "empty": lambda path: path.write_bytes(b"") and None,
    "dangling": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such devices here")
@pytest.mark.parametrize("ending", ["toml", "json"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_file(odd: str, door: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{ending}"
    ODD[odd](path)
    refused(*DOORS[door](str(path)))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files here")
@pytest.mark.parametrize("kind", ["FIFO", "sparse TB"])
def test_a_file_that_is_exchanged_after_it_was_looked_at(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A FIFO would block for ever; of a larger file no more is read than a file may have."""
    path, plain = tmp_path / "x.toml", tmp_path / "plain.toml"
    plain.write_text("id = 1")
    ODD[kind](path)
    looked_at = plain.stat()
    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", lambda *_, **__: looked_at)
        with pytest.raises(DataFileError, match=r"not a file|larger than"):
            read_text(str(path))


def test_a_model_of_less_than_one_parameter(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('id = "x"\nname = "x"\nyear = 2024\nparameters = 1e-320\n[config]\nmodel_type = "gpt2"\n')
    assert "at least 1" in refused("flops", "--model", str(path), "--seq-len", "8")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "name", ["a" * 300 + ".toml", "a/" * 5000 + "x.json", "~nosuchuser/x.toml", "\udcff.toml"]
)
def test_a_path_that_cannot_be(door: str, name: str) -> None:
    refused(*DOORS[door](name))


@pytest.mark.parametrize("name", [*NAMES, "os", "blocks"])
def test_a_model_type_that_is_none(name: str, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"model_type": name}))
    assert "unknown model_type" in refused("flops", "--model", str(config), "--seq-len", "8")
    # the name is said before anything is asked for that a known one would need
    assert "unknown model_type" in refused("estimate", "--model", str(config), "--hw", "v100")


@pytest.mark.parametrize("folder", ["hardware_profiles", "models", "anchors"])
def test_the_users_own_folder(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile file in it is named and left out of lists, and refused where it is asked for."""
    monkeypatch.setenv("FOOTPRINT_DATA", str(tmp_path))
    own = tmp_path / folder
    own.mkdir()
    for number, name in enumerate(SOME):
        (own / f"bad-{number}.toml").write_bytes(TOML[name])
    _fifo(own / "bad-fifo.toml")
    (own / "index.json").write_bytes(b'{\n"names": [0, ' + b"[" * 100_000 + b"]\n}\n")
    for args in (("models", "list"), ("hardware", "list"), ("anchor", "--list")):
        assert footprint(*args).code == 0
    args = {"hardware_profiles": (*MODEL, "--hw", "bad-0:8"), "models": ("--model", "bad-0", *HW)}
    refused("estimate", *args.get(folder, (*MODEL, *HW, "--anchor", "bad-0")))


@pytest.mark.parametrize("given", ["~nosuchuser/x", "/dev/null", "/proc/self/mem/x", "a" * 5000, "\udcff"])
def test_a_data_folder_that_is_none(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTPRINT_DATA", given)
    for args in (("models", "list"), ("estimate", *MODEL, *HW), ("anchor", "--list")):
        done = footprint(*args)
        assert done.code in (0, 2), done.err
        assert len(done.err.splitlines()) <= 3
    refused("estimate", "--model", "no-such-model", *HW)


@pytest.mark.parametrize("field", ["model", "hw", "anchor"])
@pytest.mark.parametrize("odd", ["FIFO", "/dev/zero", "symlink loop", "dotted key"])
def test_the_python_api(field: str, odd: str, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    if odd in ODD:
        ODD[odd](path)
    else:
        path.write_bytes(TOML[odd])
    given = {"model": "bert-base", "hw": "v100:8", field: str(path)}
    with pytest.raises(FootprintError):
        estimate(**given)


@pytest.mark.parametrize("odd", ["FIFO", "/dev/zero", "folder", "sparse TB"])
def test_a_report_csv(odd: str, tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    ODD[odd](path)
    with pytest.raises(DataFileError, match="not a file of report rows"):
        read_rows(path, kind=None)
    if odd != "sparse TB":
        refused("estimate", *MODEL, *HW, "--quiet", "-o", str(path))


def test_a_cell_of_slurm_that_can_be_read_in_many_ways(tmp_path: Path) -> None:
    """An expression with two ways to read a comma took twice as long for each further one."""
    cell = "a=b," * 40 + "="
    jobs = tmp_path / "jobs.txt"
    jobs.write_text(f"JobID|State|ElapsedRaw|AllocTRES|JobName\n1|COMPLETED|3600|{cell}|a|b\n")
    assert "cells where the header has" in refused("slurm", str(jobs))
