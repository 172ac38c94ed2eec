"""One line of a journal as bytes: JSON that ends in a checksum over everything before it.

So a reader knows a whole line from a torn or damaged one.
"""

from __future__ import annotations

import json
import math
import zlib
from typing import Any

_TAIL = len(',"crc":"00000000"}')


def encode(record: dict[str, Any]) -> bytes:
    """One line: the record as JSON with its checksum as the last field."""
    try:
        text = _json(record)
    except ValueError:  # JSON knows no infinity
        text = _json(_finite(record))
    body = text[:-1].encode("ascii")
    return body + b',"crc":"%08x"}\n' % zlib.crc32(body)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False, default=str)


def _finite(value: Any) -> Any:
    """The same values, None for numbers that are none."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value


def decode(line: bytes) -> dict[str, Any] | None:
    """The record of a whole, undamaged line; None for anything else."""
    body = undamaged(line)
    if body is None:
        return None
    try:
        record = json.loads(body + b"}")
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def undamaged(line: bytes) -> bytes | None:
    """What stands before the checksum of a line, if the checksum is that of it."""
    line = line.strip()
    body, tail = line[:-_TAIL], line[-_TAIL:]
    return body if tail == b',"crc":"%08x"}' % zlib.crc32(body) else None
