"""Writes files completely or not at all, and never over an existing file unless asked to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from footprint.errors import FootprintError


def require_writable(*paths: Path | None, overwrite: bool = False) -> None:
    """Raise FootprintError if a file exists and ``overwrite`` is off, or if its folder is missing."""
    for path in paths:
        if path is None:
            continue
        if path.is_dir():
            raise FootprintError(f"{path} is a folder: name a file in it")
        if path.exists() and not overwrite:
            raise FootprintError(f"{path} exists: choose another name or add `overwrite=True`")
        if not path.absolute().parent.is_dir():
            raise FootprintError(f"cannot write {path}: the folder {path.absolute().parent} does not exist")


def write_new(path: Path, content: str | bytes | Iterable[str], *, overwrite: bool = False) -> None:
    """Write a file completely or not at all: to a temporary file beside it, which is then renamed.

    The content may come in parts. Raises FootprintError if the file exists and ``overwrite`` is off, or if it
    cannot be written.
    """
    require_writable(path, overwrite=overwrite)
    parts = [content] if isinstance(content, str | bytes) else content
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.writelines(part.encode() if isinstance(part, str) else part for part in parts)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except BaseException as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise FootprintError(f"cannot write {path}: {error.strerror or error}") from None
        raise
