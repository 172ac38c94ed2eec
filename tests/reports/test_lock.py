"""The lock of a report CSV: one writer at a time, also where the file system locks nothing."""

from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from footprint.results import lock
from footprint.results.row_reader import read_rows
from footprint.results.rows import append_rows

fcntl = pytest.importorskip("fcntl")
DEAD = f"{socket.gethostname()} {2**22 + 5}"
"""What the owner's file says of a process that died: no process has so high a number."""


HOLDER = """
import errno, fcntl, sys, time
from pathlib import Path
from footprint.results.lock import file_lock
def refuse(*_):
    raise OSError(errno.ENOSYS, "")
fcntl.flock = refuse
with file_lock(Path("runs.csv"), 20.0):
    print("held", flush=True)
    sys.stdin.readline()
    Path("holder-is-done").touch()
"""


def lock_nothing(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)


def row(run_id: str) -> dict[str, Any]:
    return {"kind": "measurement", "run_id": run_id, "started_at": "2026-03-01T10:00:00+00:00"}


def test_the_lock_has_the_mode_of_its_csv(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    append_rows(path, [row("a")])
    for mode in (0o664, 0o600, 0o666):
        path.chmod(mode)
        append_rows(path, [row("b")])
        assert stat.S_IMODE((tmp_path / "runs.csv.lock").stat().st_mode) == mode


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_nothing_can_be_locked_rows_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    lock_nothing(monkeypatch, number)
    path = tmp_path / "runs.csv"
    began = time.monotonic()
    threads = [threading.Thread(target=append_rows, args=(path, [row(str(n))])) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 20
    assert sorted(row["run_id"] for row in read_rows(path, kind=None)[0]) == [str(n) for n in range(8)]
    assert not (tmp_path / "runs.csv.lock.owner").exists()
    (tmp_path / "runs.csv.lock.owner").write_text(DEAD)
    append_rows(path, [row("late")])
    assert len(read_rows(path, kind=None)[0]) == 9


def test_two_that_find_a_lock_abandoned_do_not_both_take_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process takes the lock over just after this one found it abandoned, and before it could act."""
    lock_nothing(monkeypatch, errno.ENOSYS)
    monkeypatch.chdir(tmp_path)
    Path("runs.csv.lock.owner").write_text(DEAD)
    found, holders = lock._abandoned, []

    def found_slowly(name: str) -> bool:
        answer = found(name)
        if not holders:
            assert answer
            holder = subprocess.Popen(
                [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            holders.append(holder)
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            threading.Timer(0.5, holder.communicate, ["\n"]).start()
        return answer

    monkeypatch.setattr(lock, "_abandoned", found_slowly)
    with lock.file_lock(Path("runs.csv"), 20.0):
        assert Path("holder-is-done").exists()
    assert holders[0].wait() == 0
    assert not list(tmp_path.glob("*.owner*"))


def test_a_remover_that_died_is_removed_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock_nothing(monkeypatch, errno.ENOSYS)
    for name in ("runs.csv.lock.owner", "runs.csv.lock.owner.removal"):
        (tmp_path / name).write_text(DEAD)
    with lock.file_lock(tmp_path / "runs.csv", 20.0):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["runs.csv.lock"]
