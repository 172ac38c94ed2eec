"""Writing whole files: never over something that is there, never half."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from footprint.errors import FootprintError


def require_writable(path: Path, *, overwrite: bool = False) -> None:
    """FootprintError where a file exists and is to be kept, or its folder is missing."""
    if path.is_dir():
        raise FootprintError(f"{path} is a folder: name a file in it")
    if path.exists() and not overwrite:
        raise FootprintError(f"{path} exists: choose another name or add `overwrite=True`")
    if not path.absolute().parent.is_dir():
        raise FootprintError(f"cannot write {path}: the folder {path.absolute().parent} does not exist")


def write_new(path: Path, content: str | bytes, *, overwrite: bool = False) -> None:
    """Write a file whole or not at all (temporary file beside it, then renamed).

    Raises FootprintError where it exists and ``overwrite`` is off, or cannot be written.
    """
    require_writable(path, overwrite=overwrite)
    data = content.encode() if isinstance(content, str) else content
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise FootprintError(f"cannot write {path}: {error.strerror or error}") from None
