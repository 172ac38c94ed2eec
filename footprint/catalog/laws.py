"""Scaling laws (``reference_data/laws``), and what is published about scale (``reference_data/scale``).

Each law is one file: its form, what it counts, and its constants with unit, basis and source. A constant
that its paper gives as a logarithm is named ``log_...``, and is read as the number itself.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from footprint.arithmetic import exp
from footprint.catalog.files import shipped
from footprint.catalog.folder import Names, ids, read_record
from footprint.catalog.names import unknown
from footprint.records import record

NAMES = Names({"aliases": ("id", "aliases")}, dashes=True)
FOLDER = "reference_data/laws"


@record
class ScalingLaw:
    """One law: which loss, or which size, a number of FLOP gives."""

    id: str
    name: str
    form: str
    """``parametric`` (a loss of parameters and tokens), ``power`` (sizes alone) or ``kaplan``."""
    year: int
    parameters_are: str
    """``all``, or ``without embeddings``."""
    corpus: str
    """Text and unit of its losses, which are not those of another law."""
    caveat: str
    constants: Mapping[str, float]
    source: str

    def __getitem__(self, name: str) -> float:
        return self.constants[name]


def law_ids() -> list[str]:
    """Ids of all laws, sorted."""
    return ids(shipped(FOLDER))


@functools.cache
def find_law(name: str) -> ScalingLaw:
    """The law of that id or alias; UnknownNameError names the nearest ones."""
    law_id = NAMES.find(shipped(FOLDER), name)
    if law_id is None:
        raise unknown("law", name, law_ids(), f"one of: {', '.join(law_ids())}")
    raw = read_record(shipped(FOLDER), law_id)
    constants: dict[str, float] = {}
    for key, table in raw["constants"].items():
        value = float(table["value"])
        constants[key.removeprefix("log_")] = exp(value) if key.startswith("log_") else value
    texts = {key: raw[key] for key in ("id", "name", "form", "year", "parameters_are", "corpus", "caveat")}
    source = next(table["source"] for table in raw["constants"].values())
    return ScalingLaw(**texts, constants=constants, source=source)


@functools.cache
def scale_data(name: str) -> dict[str, Any]:
    """The tables of ``emergence`` or ``landscape_2023``."""
    return read_record(shipped("reference_data/scale"), name)
