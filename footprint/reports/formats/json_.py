"""JSON with every number unrounded: the contract of ``docs/output.md``."""

from __future__ import annotations

import json

from footprint.reports.formats import Answer

KINDS: tuple[str, ...] = ()
ENDING = ".json"


def write(answer: Answer) -> str:
    """The answer as JSON, two blanks a level."""
    return json.dumps(answer.data(), indent=2, ensure_ascii=False, allow_nan=False)
