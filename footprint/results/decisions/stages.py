"""FLOP of an alignment stage: schema ``footprint/stages/1``."""

from __future__ import annotations

from typing import Any

from footprint.records import names_of, record
from footprint.results.quantity import plain_values
from footprint.results.shown import Shown, show_as_text
from footprint.units import FLOP_PER_PF_DAY

SCHEMA = "footprint/stages/1"


@record
class StagePass:
    """What one model does in the stage."""

    model: str
    """``policy``, ``reference``, ``reward`` or ``value``."""
    does: str
    """``train``, ``sample`` or ``score``."""
    what: str
    sequences: float
    flop: float
    """Exact, full attention."""
    rule_flop: float
    """6 N a trained token, 2 N a forward one."""


@record
class Stages(Shown):
    """One stage of alignment, pass by pass."""

    schema: str = SCHEMA
    footprint_version: str
    data_version: str
    stage: str
    name: str
    model: str
    helper: str
    """The value and reward model."""
    samples: float
    sequence_length: int
    passes: tuple[StagePass, ...]
    flop: float
    rule_flop: float
    source: str
    note: str

    __repr__ = show_as_text

    @property
    def pf_days(self) -> float:
        """The exact count in petaFLOP/s-days."""
        return self.flop / FLOP_PER_PF_DAY

    @property
    def rule_pf_days(self) -> float:
        """The rule's in petaFLOP/s-days."""
        return self.rule_flop / FLOP_PER_PF_DAY

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values, unrounded."""
        return {name: plain_values(getattr(self, name)) for name in names_of(self)}
