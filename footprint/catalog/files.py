"""Paths of the data folders, and reading of their files.

Shipped files are not checked at run time, because a test checks each with pydantic. A user's files are
checked when they are read. Every estimate uses this module, so paths of shipped files are text, and
``pathlib``, ``tomllib`` and ``platformdirs`` are imported only where they are needed: their imports
take longer than reading the files (see docs/decisions/start-up.md).
"""

from __future__ import annotations

import functools
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from footprint.errors import DataFileError, FootprintError

if TYPE_CHECKING:
    from pathlib import Path

_PACKAGE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
MAX_FILE_BYTES = 8 * 1024 * 1024
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@functools.cache
def _root() -> str:
    """Path of the folder with the two data folders: in the installed wheel, else in the checkout."""
    inside = f"{_PACKAGE}/_data"
    return inside if os.path.isdir(inside) else os.path.dirname(_PACKAGE)


def shipped(name: str) -> str:
    """Path of a shipped file or folder, such as ``reference_data/grid.csv``."""
    return f"{_root()}/{name}"


@functools.cache
def data_root() -> Path:
    """Folder with ``hardware_profiles`` and ``reference_data``: in the installed wheel or the checkout."""
    from pathlib import Path

    return Path(_root())


def hardware_folder() -> Path:
    """Folder of the accelerator profiles and ``prices.csv``."""
    return data_root() / "hardware_profiles"


def reference_folder() -> Path:
    """Folder of models, grid, PUE, assumptions and published tables."""
    return data_root() / "reference_data"


RUNS_FOLDER = "footprint-runs"
RUNS_VARIABLE = "FOOTPRINT_DIR"
"""Where journals of runs are kept, and the variable that names another folder."""
KNOWN_ANCHORS = "known-anchors.jsonl"
"""Of a folder of anchors or journals: a line on each anchor in it."""


def runs_folder() -> str:
    """Where journals of runs are unless an option says otherwise."""
    return os.environ.get(RUNS_VARIABLE) or RUNS_FOLDER


def known_anchor_files() -> list[str]:
    """The files with lines on known anchors that are there; it costs two looks."""
    files = (f"{_user_folder()}/anchors/{KNOWN_ANCHORS}", f"{runs_folder()}/{KNOWN_ANCHORS}")
    return [path for path in files if os.path.isfile(path)]


def user_folder() -> Path:
    """The user's own data: ``FOOTPRINT_DATA``, else the platform's data folder for footprint."""
    from pathlib import Path

    return Path(_user_folder())


def _user_folder() -> str:
    given = os.environ.get("FOOTPRINT_DATA")
    if given:
        found = os.path.expanduser(given)
        if found.startswith("~"):
            raise FootprintError(f"FOOTPRINT_DATA={given}: there is no such user; give a folder")
        return found
    if sys.platform.startswith("linux"):
        # As platformdirs has it, whose import takes longer than a look.
        base = os.environ.get("XDG_DATA_HOME", "").strip() or os.path.expanduser("~/.local/share")
        return f"{base}/footprint"
    import platformdirs

    return platformdirs.user_data_dir("footprint", appauthor=False)


def read_text(path: Path | str, *, with_mark: bool = False) -> str:
    """Text of a file; DataFileError if it is missing, too large, unreadable or not UTF-8.

    Its byte order mark is left out, unless ``with_mark``.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # to open a device may do something
            raise DataFileError(f"{path}: not a file")
        file = os.open(path, _READ)
        try:
            text = _whole(file, path).decode()
            return text if with_mark else text.removeprefix("\ufeff")
        finally:
            os.close(file)
    except UnicodeDecodeError:
        raise DataFileError(f"{path}: not a text file (UTF-8)") from None
    except (OSError, ValueError) as error:  # a name with a NUL, or that the system's encoding lacks
        raise DataFileError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _whole(file: int, path: Path | str) -> bytes:
    """The content of an open file, which may have been exchanged since somebody looked at its name."""
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode):
        raise DataFileError(f"{path}: not a file")  # reading a device or a pipe may never end
    content, size = b"", about.st_size
    while size <= MAX_FILE_BYTES and (part := os.read(file, size - len(content) + (1 << 16))):
        content += part
        size = max(size, len(content))  # a file of the system may say that it is empty and go on for ever
    if size > MAX_FILE_BYTES:
        raise DataFileError(f"{path}: larger than {MAX_FILE_BYTES} bytes, so neither a profile nor a model")
    return content


@functools.cache
def shipped_text(name: str) -> str:
    """Text of a shipped table, such as ``reference_data/grid.csv``; its last line ends with a line break."""
    text = read_text(shipped(name)).replace("\r\n", "\n")
    return text if text.endswith("\n") else text + "\n"


def lines_with(table: str, part: str) -> list[str]:
    """The header of a table and the lines that contain ``part``, which may start with a line break."""
    lines = [table[: table.index("\n")]]
    at = table.find(part)
    while at >= 0:
        begin, end = table.rfind("\n", 0, at + 1) + 1, table.index("\n", at + 1)
        lines.append(table[begin:end])
        at = table.find(part, end)
    return lines


def read_toml(path: Path | str) -> dict[str, Any]:
    """Tables of a TOML file; DataFileError names the wrong line."""
    from footprint.catalog.checks.limits import parse_toml

    return parse_toml(read_text(path), path)


def read_csv(path: Path | str) -> Iterator[dict[str, str]]:
    """Rows of a shipped CSV table, as text."""
    with open(path, encoding="utf-8", newline="") as file:
        yield from parse_csv(file)


def parse_csv(lines: Iterable[str]) -> list[dict[str, str]]:
    """Rows of a shipped CSV table, given as lines with the header first."""
    from _csv import reader  # that of `csv`, whose import takes longer than the reading

    head, *rows = reader(lines)
    return [dict(zip(head, row, strict=True)) for row in rows]
