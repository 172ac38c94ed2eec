"""JSON of estimates and measurements: a record, or a list of them as ``runs list`` and ``slurm`` print it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from footprint.catalog.checks.limits import parse_json
from footprint.errors import DataFileError, FootprintError
from footprint.fleet.columns import tidy_records
from footprint.fleet.settings import Read, Settings
from footprint.fleet.sources.journals import restarted_share
from footprint.results.rows import report_row

FORM = "records"
LARGEST_BYTES = 256 << 20
MOST_VALUES = 20_000_000
_KINDS = {"footprint/estimate/1": "estimate", "footprint/measurement/1": "measurement"}


def fits(path: Path, head: str) -> bool:
    """Whether it is JSON that is not Slurm's own."""
    begin = head.lstrip()[:1]
    return begin in ("{", "[") and '"footprint/' in head and path.is_file()


def read(path: Path, settings: Settings) -> Read:
    """A row for each record."""
    if path.stat().st_size > LARGEST_BYTES:
        raise DataFileError(f"{path}: larger than {LARGEST_BYTES >> 20} MiB: split it")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataFileError(f"{path}: not a text file (UTF-8)") from None
    found = parse_json(text, path, most_values=MOST_VALUES)
    records = found if isinstance(found, list) else [found]
    if not records:
        raise DataFileError(f"{path}: an empty list")
    return Read(tidy_records([_row(one, path) for one in records], path, settings.extra))


def _row(one: Any, path: Path) -> dict[str, Any]:
    schema = one.get("schema") if isinstance(one, Mapping) else None
    kind = _KINDS.get(schema) if isinstance(schema, str) else None
    if kind is None:
        shown = str(schema)[:60]
        raise DataFileError(
            f"{path}: a record of the schema {shown!r}; a report reads {' and '.join(_KINDS)}"
        )
    run_id, started = one.get("run_id"), one.get("started_at") or one.get("created_at")
    if not run_id:
        # The same estimate given twice is one estimate.
        digest = hashlib.sha256(json.dumps(one, sort_keys=True).encode()).hexdigest()
        run_id = f"estimate-{digest[:12]}"
    try:
        row = report_row(one, kind=str(one.get("kind") or kind), run_id=str(run_id), started_at=str(started))
        return {**row, "restarted_share": restarted_share(one.get("segments"))}
    except (FootprintError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataFileError(f"{path}: not a record of {schema}: {error}") from None
