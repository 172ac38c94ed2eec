"""One writer at a time: a lock beside a file, which the system takes back from a process that dies."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

POLL_S = 0.02
_CANNOT = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)
"""What file systems answer that lock nothing."""


@contextlib.contextmanager
def file_lock(target: Path, timeout_s: float) -> Iterator[None]:
    """Hold ``TARGET.lock``, which stays where it is and may be taken by whoever may write the target.

    Raises:
        TimeoutError: another process held it all the time.
        OSError: the lock cannot be made.
    """
    name = f"{target}.lock"
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    file = os.open(name, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):  # somebody's trap: its mode would be changed
            raise OSError(errno.EINVAL, f"{name} is no regular file")
        _as_accessible(file, target)
        until = time.monotonic() + timeout_s
        try:
            _take(file, until)
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
            with _owner_file(f"{name}.owner", until):
                yield
            return
        yield
    finally:
        os.close(file)  # and with it the lock


def _as_accessible(file: int, target: Path) -> None:
    """Give the lock the mode and the group of what it guards, if it is ours."""
    with contextlib.suppress(OSError, AttributeError):
        wanted, mine = target.stat(), os.fstat(file)
        if mine.st_uid == os.geteuid():
            if mine.st_gid != wanted.st_gid:
                os.fchown(file, -1, wanted.st_gid)
            os.fchmod(file, wanted.st_mode & 0o666)


def _take(file: int, until: float) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        while True:
            try:
                msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            except OSError:
                _wait(until)
            else:
                return
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, InterruptedError):
            _wait(until)
        else:
            return


def _wait(until: float) -> None:
    if time.monotonic() > until:
        raise TimeoutError
    time.sleep(POLL_S)


@contextlib.contextmanager
def _owner_file(name: str, until: float) -> Iterator[None]:
    """Where no file can be locked: a file that only one process can make, and takes away again."""
    me = f"{socket.gethostname()} {os.getpid()}"
    while True:
        try:
            file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            if _abandoned(name):
                _remove_abandoned(name, until)
            _wait(until)
        else:
            break
    try:
        os.write(file, me.encode())
        os.close(file)
        yield
    finally:
        Path(name).unlink()


def _remove_abandoned(name: str, until: float) -> None:
    """Remove the file of a process that died, one remover at a time.

    Without the second file, a process that found the file abandoned could remove the new file of a quicker
    process. Only a remover takes away the file of a dead process, so the file that is looked at again is the
    one that goes.
    """
    with _owner_file(f"{name}.removal", until):
        if _abandoned(name):
            with contextlib.suppress(OSError):
                Path(name).unlink()


def _abandoned(name: str) -> bool:
    """Whether the process that made the file is gone from this machine."""
    try:
        file = os.open(name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        try:
            host, _, pid = os.read(file, 1000).decode().partition(" ")
        finally:
            os.close(file)
        if host != socket.gethostname():
            return False
        return not process_exists(int(pid))
    except (OSError, ValueError, OverflowError):
        return False


def process_exists(pid: int) -> bool:
    """Whether a process of this number runs on this machine, ours or not."""
    if sys.platform == "win32":  # signal 0 is Ctrl+C there
        import psutil

        return psutil.pid_exists(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
