"""A project as people write it: ``[[runs]]``, each with a name, a count and the fields of its kind.

A run may begin from another one (``from = "pre-training"``) and change some fields; ``[common]`` holds
fields of every run that takes them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from footprint import parsing
from footprint.catalog.files import read_toml
from footprint.catalog.names import unknown
from footprint.errors import DataFileError, FootprintError
from footprint.estimator.request import EITHER_OR, FIELDS
from footprint.records import record
from footprint.serving.request import OWN as OF_SERVING
from footprint.serving.request import SHARED
from footprint.spelling import in_file

SCHEMA = "footprint/project/1"
TRAINING, SERVING, STAGE = "training", "serving", "stage"
MOST_RUNS = 1000
MOST_COUNT = 1e9
KEYS = ("schema", "name", "why", "mitigations", "common", "alternatives", "runs")
"""What a project may hold."""
OF_RUN = ("name", "count", "from")
OF_STAGE = (
    "stage", "helper", "samples", "seq_len", "model", "prompt_tokens", "output_tokens", "engine",
    "concurrency",
)  # fmt: skip
"""Fields of a stage of alignment, beside cluster, place and price."""
_ONLY_SERVED = frozenset(OF_SERVING) - FIELDS.keys()
_OF_KIND = {
    TRAINING: (*FIELDS,),
    SERVING: (*OF_SERVING, *SHARED),
    STAGE: (*OF_STAGE, *(name for name in SHARED if name not in ("it_power_w", "accelerator_power_w"))),
}


@record
class Planned:
    """One run of a project, as the file describes it."""

    name: str
    kind: str
    """``training``, ``serving`` or ``stage``."""
    count: float
    fields: Mapping[str, Any]


@record
class ProjectFile:
    """What a project says, before anything is computed."""

    origin: str
    name: str
    why: str
    mitigations: tuple[str, ...]
    alternatives: Mapping[str, Any]
    """Axes of `footprint.compare`, and under ``run`` the name of the run that they are laid on."""
    runs: tuple[Planned, ...]


def read_project(
    source: str | os.PathLike[str] | Mapping[str, Any],
    *,
    defaults: Mapping[str, Any],
    overrides: Mapping[str, Any],
) -> ProjectFile:
    """The project of a file, or of a mapping with the same keys.

    ``defaults`` are fields where neither the project nor a run says them; ``overrides`` replace those of
    every run that takes them.

    Raises
    ------
    DataFileError
        For a file that is no project.
    FootprintError
        For an unknown key or field, and runs that contradict each other; the message names the run.
    """
    if isinstance(source, Mapping):
        origin, raw = "project()", dict(source)
    else:
        origin, raw = os.fspath(source), read_toml(Path(source))
    if raw.get("schema", SCHEMA) != SCHEMA:
        raise DataFileError(f'{origin}: its schema is {raw["schema"]!r}: a project has "{SCHEMA}" or none')
    for key in raw:
        if key not in KEYS:
            raise unknown("key of a project", str(key), KEYS, hint=origin)
    tables = _tables(raw.get("runs"), origin)
    common = {**defaults, **_table(raw.get("common", {}), "common", origin)}
    for name in common:
        if not any(name in names for names in _OF_KIND.values()):
            raise unknown("field", str(name), [*FIELDS, *OF_SERVING], hint=f"{origin}, [common]")
    return ProjectFile(
        origin=origin,
        name=_text(raw.get("name", ""), "name", origin),
        why=_text(raw.get("why", ""), "why", origin),
        mitigations=_texts(raw.get("mitigations", ()), "mitigations", origin),
        alternatives=_table(raw.get("alternatives", {}), "alternatives", origin),
        runs=tuple(
            _planned(name, tables, common, overrides, origin) for name in tables
        ),
    )  # fmt: skip


def _tables(raw: Any, origin: str) -> dict[str, Mapping[str, Any]]:
    """The tables of the runs by their names."""
    if not isinstance(raw, list | tuple) or not raw:
        raise DataFileError(f"{origin}: a project lists its runs, each under [[runs]] with a name")
    if len(raw) > MOST_RUNS:
        raise FootprintError(f"{origin}: {len(raw):,} runs are more than {MOST_RUNS:,}: use `count`")
    tables: dict[str, Mapping[str, Any]] = {}
    for number, one in enumerate(raw, 1):
        table = _table(one, f"run {number}", origin)
        name = _text(table.get("name", ""), f"the name of run {number}", origin).strip()
        if not name:
            raise FootprintError(f"{origin}: run {number} has no name")
        if name in tables:
            raise FootprintError(f"{origin}: two runs are named {name!r}: to repeat one, give its count")
        tables[name] = table
    return tables


def _planned(
    name: str,
    tables: Mapping[str, Mapping[str, Any]],
    common: Mapping[str, Any],
    overrides: Mapping[str, Any],
    origin: str,
) -> Planned:
    table = tables[name]
    own = {key: value for key, value in table.items() if key not in OF_RUN}
    line = _line(name, tables, origin)
    kind = _kind([{k: v for k, v in one.items() if k not in OF_RUN} for one in line])
    fields = {key: value for key, value in common.items() if key in _OF_KIND[kind]}
    for ancestor in reversed(line[1:]):
        fields = _replaced(fields, _handed_down(ancestor, kind))
    fields = _replaced(fields, own)
    fields = _replaced(fields, {key: value for key, value in overrides.items() if key in _OF_KIND[kind]})
    for key in fields:
        if key not in _OF_KIND[kind]:
            hint = f"{origin}, {name!r}"
            if why := sorted(_ONLY_SERVED.intersection(fields)):
                hint += f", which is served because it has {why[0]}"
            raise unknown(f"field of a {kind} run", str(key), _OF_KIND[kind], hint=hint)
    count = _count(table.get("count", 1), name, origin)
    if "count" in table and "runs" in own:
        raise FootprintError(f"{origin}: run {name!r}: count and runs both say how often: give one")
    return Planned(name=name, kind=kind, count=count, fields=fields)


def _line(name: str, tables: Mapping[str, Mapping[str, Any]], origin: str) -> list[Mapping[str, Any]]:
    """The run, the one that it begins from, and so on."""
    seen = [name]
    while (base := tables[seen[-1]].get("from")) is not None:
        if not isinstance(base, str) or base not in tables:
            raise unknown("run", str(base), tables, hint=f"{origin}, from of {seen[-1]!r}")
        if base in seen:
            circle = " from ".join(repr(one) for one in [*seen[seen.index(base) :], base])
            raise FootprintError(f"{origin}: runs that begin from each other have no beginning: {circle}")
        seen.append(base)
    return [tables[one] for one in seen]


def _kind(line: Sequence[Mapping[str, Any]]) -> str:
    """The kind of a run by its fields, else that of the run from which it begins."""
    for table in line:
        if "stage" in table:
            return STAGE
        if _ONLY_SERVED.intersection(table):
            return SERVING
        if (FIELDS.keys() - set(SHARED) - {"model"}).intersection(table):
            return TRAINING
    return TRAINING


def _handed_down(table: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What a run takes from the one that it begins from: no repeats, and of another kind only hardware,
    place, price and model.
    """
    same = _kind([{k: v for k, v in table.items() if k not in OF_RUN}]) == kind
    return {
        key: value
        for key, value in table.items()
        if key not in OF_RUN
        and key in _OF_KIND[kind]
        and (same or key in SHARED or key == "model")
        and not (key in FIELDS and FIELDS[key].section == "repeats")
    }


def _replaced(fields: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with others in their place, and without those that the others exclude."""
    excluded = {name for group, _ in EITHER_OR if any(one in others for one in group) for name in group}
    return {name: value for name, value in fields.items() if name not in excluded} | dict(others)


def _count(value: Any, name: str, origin: str) -> float:
    """How often a run is made; a share of one is allowed, such as an evaluation that takes 0.02 of it."""
    if isinstance(value, str):
        value = parsing.parse_count(value, "count")
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise FootprintError(f"{origin}: run {name!r}: count must be a number, not {value!r}")
    if not 0 < value <= MOST_COUNT:
        raise FootprintError(f"{origin}: run {name!r}: count must be above 0 and at most {MOST_COUNT:g}")
    return float(value)


def _table(value: Any, what: str, origin: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise DataFileError(f"{origin}: {what} must be a table of keys and values, not {value!r:.60}")
    return dict(value)


def _text(value: Any, what: str, origin: str) -> str:
    if not isinstance(value, str):
        raise DataFileError(f"{origin}: {what} must be text, not {value!r:.60}")
    return value


def _texts(value: Any, what: str, origin: str) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise DataFileError(f"{origin}: {what} must be a list of texts, not {value!r:.60}")
    return tuple(_text(one, what, origin) for one in value)


def mended(error: FootprintError, origin: str, run: Planned) -> FootprintError:
    """The error with the file and the run in front, and the file's keys instead of options."""
    text = str(error).removeprefix(f"{origin}: ")
    return FootprintError(f"{origin}: run {run.name!r}: {in_file(text)}")
