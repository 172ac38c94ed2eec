"""The records that the exports are tested with: an estimate and a measurement, as their JSON values."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import footprint
from footprint.reports.exports import export

NASTY = "=cmd|' /C x'!A0\n\u202e\x1b[31m\"<b>&'\\input{/etc/passwd}% $x_1$ #{}~^: - [a]"
"""A name with a formula, a line break, a mark that turns text, an escape, markup, LaTeX and YAML."""
HIDDEN = ("\x1b", "\u202e")


@functools.cache
def _estimated() -> str:
    answer = footprint.estimate(model="bert-base", hw="v100:8", region="FRA", provider="aws")
    return json.dumps({**answer.to_json(), "created_at": "2026-03-01T10:12:00+00:00"})


@functools.cache
def _measured() -> str:
    with tempfile.TemporaryDirectory() as folder:
        with footprint.track(
            model="bert-base", hw="v100:8", region="FRA", provider="aws", meter="constant:2500W",
            journal_dir=folder, quiet=True, absent_hardware="model", name="a run",
        ) as run:  # fmt: skip
            for _ in range(3):
                run.step(tokens=1e6, samples=256)
        assert run.measurement is not None
        return json.dumps(run.measurement.to_json())


def estimated() -> dict[str, Any]:
    """The JSON values of an estimate."""
    record: dict[str, Any] = json.loads(_estimated())
    return record


def measured() -> dict[str, Any]:
    """The JSON values of a measurement."""
    record: dict[str, Any] = json.loads(_measured())
    return record


RECORDS = {"estimate": estimated, "measurement": measured}


def nasty() -> dict[str, Any]:
    """An estimate whose every text is what a stranger could put there."""
    record = deepcopy(estimated())
    record["name"] = record["model"]["name"] = record["model"]["family"] = NASTY
    record["cluster"]["variant"] = record["place"]["name"] = record["price"]["provider"] = NASTY
    record["place"]["key"] = record["place"]["source"] = record["workload"]["precision"] = NASTY
    record["warnings"] = [NASTY]
    for row in record["assumptions"]:
        row["source"] = NASTY
    return record


def exported(name: str, record: dict[str, Any]) -> Any:
    """An export that is JSON, as its values."""
    return json.loads(export(record, name).text)


def mutations(value: Any, at: str = "") -> list[tuple[str, Callable[[Any], None]]]:
    """One change for each field of JSON values: the field is taken away."""
    found: list[tuple[str, Callable[[Any], None]]] = []
    path = [part for part in at.split("/") if part]
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        found += mutations(part, f"{at}/{key}")
        if isinstance(value, dict):
            found.append((f"{at}/{key}", functools.partial(_remove, path=path, key=key)))
    return found


def _remove(whole: Any, path: list[str], key: str) -> None:
    for part in path:
        whole = whole[int(part)] if isinstance(whole, list) else whole[part]
    del whole[key]
