"""JSON with unrounded numbers, as ``docs/output.md`` specifies it."""

from __future__ import annotations

import json

from footprint.reports.formats import Answer

KINDS: tuple[str, ...] = ()
ENDING = ".json"


def write(answer: Answer) -> str:
    """The answer as JSON, indented by two spaces per level."""
    return json.dumps(answer.data(), indent=2, ensure_ascii=False, allow_nan=False)
