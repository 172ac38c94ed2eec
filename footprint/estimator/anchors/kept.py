"""Anchors kept by name in the user's folder, and those that finished runs left beside their journals.

Beside each kept anchor a line of ``known.jsonl`` says what it is of, so that an estimate finds the nearest
one without reading the others.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from footprint.catalog.files import KNOWN_ANCHORS, known_anchor_files, read_toml, runs_folder, user_folder
from footprint.catalog.names import unknown
from footprint.errors import DataFileError, FootprintError
from footprint.estimator.anchors.measured import Measured
from footprint.estimator.anchors.written import checked_measurement, is_written_out, parsed_anchor
from footprint.estimator.request import EstimateRequest
from footprint.performance.anchoring import Job
from footprint.records import record

SCHEMA = "footprint/anchor/1"
OF_RUN = "anchor.toml"
"""Name of the file that a finished run leaves in its folder of journals."""
MOST_BYTE = 64 * 1024
"""Of a file of known anchors, its end."""
MOST_LINE_BYTE = 1000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def anchors_folder() -> Path:
    """Where named anchors are kept: in the user's own data folder."""
    return user_folder() / "anchors"


def anchor_names() -> list[str]:
    """Names of the anchors kept, sorted."""
    return sorted(path.stem for path in anchors_folder().glob("*.toml"))


def anchor_path(name: str) -> Path:
    """File of a named anchor; FootprintError for a name that is none."""
    if not _NAME.fullmatch(name):
        raise FootprintError(f"anchor name {name[:64]!r}: use letters, digits, dots, dashes and underscores")
    return anchors_folder() / f"{name}.toml"


def read_anchor(text: str) -> tuple[str, EstimateRequest]:
    """Name and measured scenario of an anchor: by name, as a file, or written out.

    Raises UnknownNameError for a name that is not kept, DataFileError for a file that is no anchor.
    """
    if is_written_out(text):
        return parsed_anchor(text)
    name_or_file = text
    if name_or_file.endswith(".toml") or "/" in name_or_file:
        path = Path(name_or_file)
        name = path.parent.name if path.name == OF_RUN and path.parent.name else path.stem
    else:
        path, name = anchor_path(name_or_file), name_or_file
        of_run = Path(runs_folder()) / name / OF_RUN
        if not path.is_file() and of_run.is_file():
            path = of_run
        if not path.is_file():
            raise unknown("anchor", name_or_file, anchor_names(), "footprint anchor --list shows those kept")
    raw = read_toml(path)
    schema = raw.pop("schema", SCHEMA)
    if schema != SCHEMA:
        raise DataFileError(f"{path}: schema is {schema!r}, not {SCHEMA!r}")
    return name, checked_measurement(raw, str(path))


def keep_anchor(name: str, request: EstimateRequest, measured: Measured, *, overwrite: bool = False) -> Path:
    """Keep a measured scenario, and what it says, under a name; FootprintError if the name is taken."""
    import tomli_w

    path = anchor_path(name)
    if path.exists() and not overwrite:
        raise FootprintError(f"anchor {name} exists: choose another `name=` or add `overwrite=True`")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tomli_w.dumps({"schema": SCHEMA, **request.given()}), encoding="utf-8")
        note_known(path.parent, name, request, measured)
    except OSError as error:
        raise FootprintError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def remove_anchor(name: str) -> None:
    """Forget a named anchor; UnknownNameError if there is none."""
    path = anchor_path(name)
    if not path.is_file():
        raise unknown("anchor", name, anchor_names())
    path.unlink()


def keep_anchor_of_run(folder: Path, run_id: str, request: EstimateRequest, measured: Measured) -> Path:
    """Leave what a run measured in its folder of journals; OSError if it cannot be written."""
    import tomli_w

    path = folder / OF_RUN
    path.write_text(tomli_w.dumps({"schema": SCHEMA, **request.given()}), encoding="utf-8")
    if _NAME.fullmatch(run_id) and folder.name == run_id:
        note_known(folder.parent, run_id, request, measured)
    return path


@record
class Known:
    """What an anchor is of, without its measurement."""

    name: str
    model: str
    hw: str
    job: Job
    stack: str | None
    kept_s: float
    """When it was kept [s since 1970]."""
    path: Path


def note_known(folder: Path, name: str, request: EstimateRequest, measured: Measured) -> None:
    """Add a line on an anchor to the known ones of a folder; OSError if it cannot be written."""
    job = measured.job
    line = json.dumps(
        {
            "name": name, "model": str(request.model)[-100:], "hw": request.hw[-100:],
            "stack": measured.stack, "kept_s": round(time.time()), "accelerator": job.accelerator,
            "precision": job.precision, "count": job.count, "parameters": job.parameters,
            "sequence_length": job.sequence_length, "method": job.method, "recompute": job.recompute,
            "split": list(job.split),
        }
    )  # fmt: skip
    with (folder / KNOWN_ANCHORS).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def known_anchors() -> Iterator[Known]:
    """The anchors that the user's folder and the folder of journals know, the latest of each name.

    A line that is none is passed over.
    """
    own = anchors_folder()
    for path in map(Path, known_anchor_files()):
        found: dict[str, Known] = {}
        for line in _last_lines(path):
            known = _known(line, path.parent, of_runs=path.parent != own)
            if known is not None:
                found[known.name] = known
        yield from found.values()


def _last_lines(path: Path) -> list[bytes]:
    """The last whole lines of a regular file; none of any other."""
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError):
        return []
    try:
        size = os.fstat(file).st_size
        cut = size > MOST_BYTE
        if cut:
            os.lseek(file, size - MOST_BYTE, os.SEEK_SET)
        lines = os.read(file, MOST_BYTE).split(b"\n")
        return [line for line in lines[1 if cut else 0 :] if 0 < len(line) <= MOST_LINE_BYTE]
    except OSError:
        return []
    finally:
        os.close(file)


def _known(line: bytes, folder: Path, *, of_runs: bool) -> Known | None:
    """The anchor of a line; None for a line that says none, or of a file that is not there."""
    try:
        raw = json.loads(line)
        name, texts = raw["name"], [raw[key] for key in _TEXTS]
        numbers = [float(raw[key]) for key in _NUMBERS]
        tp, pp = (int(size) for size in raw["split"])
        stack = raw["stack"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if not all(isinstance(text, str) and text.isprintable() for text in (name, *texts, stack or "")):
        return None
    if not _NAME.fullmatch(name) or not all(0 <= number < 1e20 for number in numbers):
        return None
    path = folder / name / OF_RUN if of_runs else folder / f"{name}.toml"
    model, hw, accelerator, precision, method, recompute = texts
    kept_s, count, parameters, length = numbers
    job = Job(
        accelerator=accelerator, precision=precision, count=int(count), parameters=parameters,
        sequence_length=length, method=method, recompute=recompute, split=(tp, pp),
    )  # fmt: skip
    return Known(name=name, model=model, hw=hw, job=job, stack=stack, kept_s=kept_s, path=path)


_TEXTS = ("model", "hw", "accelerator", "precision", "method", "recompute")
_NUMBERS = ("kept_s", "count", "parameters", "sequence_length")
