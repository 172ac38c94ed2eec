"""Techniques of prompting by name: how many tokens they read and write over a plain call.

A technique is one file of ``reference_data/techniques``.
"""

from __future__ import annotations

from footprint.catalog.files import shipped
from footprint.catalog.folder import ids, read_record
from footprint.records import record

FOLDER = "reference_data/techniques"


@record
class Technique:
    """What a technique does with a plain call of some prompt and output."""

    id: str
    name: str
    year: int
    output_ratio: float
    """Written tokens of one answer over those of the plain call."""
    paths_count: int
    """Answers that are sampled for a request."""
    source: str
    basis: str
    added_prompt_tokens: float = 0.0
    prompt_ratio: float = 1.0
    """Prompt tokens of all calls over those of the plain call."""
    note: str = ""

    @property
    def is_sampled(self) -> bool:
        """Whether more or fewer answers may be sampled: it writes reasoning, or several answers."""
        return self.prompt_ratio == 1.0 and (self.paths_count > 1 or self.output_ratio > 1.0)


def technique_ids() -> list[str]:
    """Ids of all techniques, sorted."""
    return list(ids(shipped(FOLDER)))


def find_technique(name: str) -> Technique:
    """The technique of a shipped file."""
    return Technique(**read_record(shipped(FOLDER), name))
