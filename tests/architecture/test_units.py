"""A number's name ends in its unit, or its last word is on one short list of pure numbers."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from footprint.results.report_columns import REPORT_COLUMNS
from tests.conftest import ROOT, Footprint

UNITS = (
    "w", "kwh", "h", "s", "min", "kg", "t", "lb", "g_per_kwh", "usd", "usd_per_h", "gib", "flop",
    "flop_per_s", "byte", "byte_per_s", "l", "j",
)  # fmt: skip
PURE = {
    # counts
    "accelerators", "batch", "cores", "count", "devices", "epochs", "heads", "interleaving", "layers",
    "length", "nodes", "offers", "parameters", "positions", "processes", "providers", "rank", "runs",
    "samples",
    "sequences", "size", "slices", "steps", "tokens", "vocabulary", "width", "cp", "dp", "ep", "pp", "tp",
    # ratios
    "exponent", "factor", "goodput", "loss", "hfu", "mfu", "pue", "ratio", "share",
    # times of the calendar
    "year",
    # a range of counts for which a comparison is shown; the seed of a random split
    "least", "most", "seed",
}  # fmt: skip
QUALIFIERS = re.compile(r"_(low|mid|high|causal|printed|published|reported|logged)$")
MODULES = (
    "schema",
    "results",
    "results.assumption",
    "results.quantity",
    "results.estimate",
    "results.measurement",
    "results.decisions.plan",
)
UNIT_ELSEWHERE = {
    "results.quantity.Quantity": "the field that holds it has the unit",
    "results.measurement.ComparedQuantity": "its `name` is the quantity's own, with the unit",
}
DATA = [ROOT / "hardware_profiles", ROOT / "reference_data"]
THEIR_OWN_NAMES = ("config", "text_config", "vision_config", "lstm", "embedding", "char_cnn")
"""Tables of a model's file that keep the names of the model's own library."""


def has_unit(name: str) -> bool:
    bare = QUALIFIERS.sub("", name)
    return any(bare == unit or bare.endswith(f"_{unit}") for unit in UNITS)


def last_word(name: str) -> str:
    """``active_parameters`` -> parameters; ``sequences_per_step`` -> sequences."""
    return QUALIFIERS.sub("", name).partition("_per_")[0].rpartition("_")[2]


def is_named_well(name: str) -> bool:
    return has_unit(name) or has_unit(name.partition("_per_")[0]) or last_word(name) in PURE


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# ------------------------------------------------------------------------------ records


def records() -> Iterator[tuple[str, type[Any]]]:
    for module in MODULES:
        loaded = importlib.import_module(f"footprint.{module}")
        for name, kind in vars(loaded).items():
            if (
                isinstance(kind, type)
                and dataclasses.is_dataclass(kind)
                and kind.__module__ == loaded.__name__
            ):
                yield f"{module}.{name}", kind


def numeric_fields(kind: type[Any]) -> list[str]:
    """Fields that are a number, a quantity, or several by name."""
    number = re.compile(r"(Mapping\[str, )?(float|int|Quantity)\b")
    return [f.name for f in dataclasses.fields(kind) if number.match(str(f.type))]


def test_record_fields() -> None:
    every = list(records())
    assert len(every) > 20
    assert not [
        f"{name}.{field}"
        for name, kind in every
        if "unit" not in {f.name for f in dataclasses.fields(kind)} and name not in UNIT_ELSEWHERE
        if not is_held_with_its_unit(kind)
        for field in numeric_fields(kind)
        if not is_named_well(field)
    ]


def is_held_with_its_unit(kind: type[Any]) -> bool:
    """As EnergyComponents: ``energy_components_kwh`` names the unit of all of them."""
    holders = {
        field.name
        for _, other in records()
        for field in dataclasses.fields(other)
        if re.search(rf"\b{kind.__name__}\b", str(field.type))
    }
    return bool(holders) and all(has_unit(holder) for holder in holders)


# ------------------------------------------------------------------------ JSON and CSV


def numbers(value: Any, name: str = "", above: str = "") -> Iterator[tuple[str, str]]:
    """Name of each number of a JSON value, and the name above it; a list's items take the list's name."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield name, above
    elif isinstance(value, Mapping):
        if "unit" in value and "value" in value:
            return
        for key, part in value.items():
            ends = key in ("low", "mid", "high")
            yield from numbers(part, name if ends else key, above if ends else name)
    elif isinstance(value, list):
        for part in value:
            yield from numbers(part, name, above)


@pytest.mark.parametrize(
    "arguments",
    [
        ["estimate", "--model", "bert-base", "--hw", "v100x8", "--region", "aws:us-east-1"],
        ["hardware", "show", "v100"],
        ["hardware", "list"],
        ["models", "list"],
        ["regions", "list"],
        ["prices", "list"],
        ["plan", "--budget", "7d", "--hw", "h100:8", "--inference-tokens", "1e11"],
    ],
    ids=" ".join,
)
def test_json_keys(arguments: list[str], footprint: Footprint) -> None:
    done = footprint(*arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    found = set(numbers(json.loads(done.stdout)))
    assert len(found) > 1
    assert not {(name, above) for name, above in found if not (is_named_well(name) or has_unit(above))}


def test_report_columns() -> None:
    texts = {
        "kind", "id", "at", "name", "status", "boundary", "version", "family", "accelerator", "variant",
        "unit", "form", "method", "precision", "recompute", "given", "convention", "key", "basis", "source",
        "provider", "purchase", "dated", "interval", "cpu", "ram", "node", "network", "schema",
        "objective", "packing", "warnings",
    }  # fmt: skip
    assert not [
        column for column in REPORT_COLUMNS if not is_named_well(column) and last_word(column) not in texts
    ]


def tables() -> list[Path]:
    return [path for folder in DATA for path in sorted(folder.rglob("*.csv"))]


@pytest.mark.parametrize("path", tables(), ids=lambda path: path.name)
def test_columns_of_the_data(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    numeric = [
        column
        for column in rows[0]
        if any(row[column] for row in rows) and all(is_number(row[column]) for row in rows if row[column])
    ]
    # Values of many constants: their units stand with their names in the assumptions.
    if {"name", "value"} <= rows[0].keys():
        numeric.remove("value")
    assert not [column for column in numeric if not is_named_well(column)]


def files() -> list[Path]:
    return [
        path
        for folder in DATA
        for path in sorted(folder.rglob("*.toml"))
        if path.parent.name not in ("assumptions", "laws", "sources") and path.name != "shapes.toml"
    ]


def toml_numbers(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if key in THEIR_OWN_NAMES:
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Mapping):
                yield from toml_numbers(part, key)
            elif isinstance(part, int | float) and not isinstance(part, bool):
                yield key, above


def test_keys_of_the_data() -> None:
    assert len(files()) > 100
    assert not {
        (path.name, key, above)
        for path in files()
        for key, above in toml_numbers(tomllib.loads(path.read_text(encoding="utf-8")))
        if not (is_named_well(key) or has_unit(above))
    }


# --------------------------------------------------------------------------- the list


def test_the_list_holds_no_word_that_nothing_uses() -> None:
    used = {last_word(field) for _, kind in records() for field in numeric_fields(kind)}
    used |= {last_word(column) for column in REPORT_COLUMNS}
    for path in tables():
        with path.open(encoding="utf-8", newline="") as file:
            used |= {last_word(column) for column in next(csv.reader(file))}
    for path in files():
        used |= {last_word(key) for key, _ in toml_numbers(tomllib.loads(path.read_text(encoding="utf-8")))}
    assert used >= PURE


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("tdp_w", True),
        ("energy_kwh_low", True),
        ("duration_h_printed", True),
        ("power_w_per_accelerator", True),
        ("active_parameters", True),
        ("accelerators_per_instance", True),
        ("w", True),
        ("tdp", False),
        ("energy", False),
        ("power_watts", False),
        ("co2e", False),
        ("price", False),
        ("window", False),
    ],
)
def test_the_rule_itself(name: str, good: bool) -> None:
    assert is_named_well(name) is good
