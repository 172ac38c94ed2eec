"""Every shipped number leads to a described source; what holds across files is checked here.

That each number *inside* a profile, a model, a place, a price or an assumption is cited is the
business of the tests beside those catalogues (``tests/catalog``).
"""

from __future__ import annotations

import csv
import functools
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from footprint.schema import Source
from footprint.vocabulary import Basis
from tests.conftest import ROOT

FOLDERS = [ROOT / "hardware_profiles", ROOT / "reference_data"]
SOURCES = sorted((ROOT / "reference_data" / "sources").glob("*.toml"))
TABLES = sorted(path for folder in FOLDERS for path in folder.rglob("*.csv"))
FILES = sorted(path for folder in FOLDERS for path in folder.rglob("*.toml") if path not in SOURCES)

ONE_SOURCE = {"places.csv": "owid-energy-2024"}
"""Tables whose one column of numbers is from one source (weights, never a result)."""
NO_NUMBERS = {"providers.csv"}
NUMBERS_OF_OURS = {"evaluation.toml": "which rows are held back; a seed and a year"}
ATTRIBUTED = re.compile(r"CC-BY|Apache|BSD|MIT\b|Open Government")


@functools.cache
def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


SHARED = {key: fields for path in SOURCES for key, fields in read(path).items()}
OWN = {(path, key): fields for path in FILES for key, fields in read(path).get("sources", {}).items()}


def keys(text: str) -> list[str]:
    return [key for key in text.split("; ") if key]


def cited(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Source and basis of every table of a file that has them."""
    if isinstance(table.get("source"), str):
        for key in keys(table["source"]):
            yield key, table.get("basis", "")
    for name, value in table.items():
        if name == "sources":
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Mapping):
                yield from cited(part)


def notes(table: Mapping[str, Any]) -> Iterator[str]:
    """Every note of a file; they name further sources of a number with one main source."""
    for name, value in table.items():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Mapping):
                yield from notes(part)
            elif name == "note":
                yield str(part)


def test_no_source_is_described_twice() -> None:
    every = [key for path in SOURCES for key in read(path)] + [key for _, key in OWN]
    assert not [key for key, times in Counter(every).items() if times > 1]


SAME_DOCUMENT = {
    "github.com/qwenlm/qwen readme.md": "its speeds were sealed when its memory was in use",
    "github.com/internlm/internevo doc/en/train_performance.md": "the same",
}
"""Documents that two keys describe, and why."""


def documents(locator: str) -> set[str]:
    """The papers that a locator names by arXiv id or DOI, else the locator itself without ``https://``."""
    papers = re.findall(r"(?i)arxiv(?:\.org/abs/|:)\s*(\d{4}\.\d{4,5})|\b(10\.\d{4,}/[^\s;,)]+)", locator)
    names = {f"arxiv:{arxiv}" if arxiv else doi.lower() for arxiv, doi in papers}
    return names or {re.sub(r"^(https?://)?(www\.)?", "", locator.strip().lower()).rstrip("/")}


def test_no_document_has_two_keys() -> None:
    keys_of: dict[str, list[str]] = {}
    for key, fields in [*SHARED.items(), *((key, fields) for (_, key), fields in OWN.items())]:
        for document in documents(fields["locator"]):
            keys_of.setdefault(document, []).append(key)
    twice = {document: found for document, found in keys_of.items() if len(found) > 1}
    assert set(twice) == set(SAME_DOCUMENT), twice


def test_documents_are_told_apart_by_what_names_them() -> None:
    assert documents("arXiv:1810.04805; huggingface.co/x") == documents("https://arxiv.org/abs/1810.04805")
    assert documents("doi:10.1038/s41586-021-03819-2") == {"10.1038/s41586-021-03819-2"}
    assert documents("https://www.epa.gov/egrid/") == documents("epa.gov/egrid")
    assert documents("github.com/a/b README.md") != documents("github.com/a/b docs/x.md")


def test_accelerators_of_the_tables_are_named_by_their_ids() -> None:
    """An alias would be found too, but the same chip under two names would be two groups of rows."""
    profiles = {path.stem for path in (ROOT / "hardware_profiles").glob("*.toml")}
    for path in TABLES:
        assert {row["accelerator"] for row in rows(path) if row.get("accelerator")} <= profiles, path.name


def test_sources_are_what_the_schema_says() -> None:
    schema = TypeAdapter(Source)
    for key, fields in SHARED.items():
        source = schema.validate_python(fields)
        assert source.title.strip(), key
        assert 1950 <= source.year <= 2026, key
        assert not re.search(r"(^|\s)/(work|tmp|home)/|file:", f"{source.locator} {source.note}"), key


def test_own_sources_are_what_the_schema_says() -> None:
    schema = TypeAdapter(Source)
    for (path, key), fields in OWN.items():
        source = schema.validate_python(fields)
        assert source.locator.strip(), (path, key)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.name)
def test_every_row_of_a_table_has_a_described_source_and_a_basis(path: Path) -> None:
    table = rows(path)
    if path.name in NO_NUMBERS:
        assert not any(re.fullmatch(r"[-+0-9.eE]+", cell) for row in table for cell in row.values() if cell)
        return
    if path.name in ONE_SOURCE:
        assert ONE_SOURCE[path.name] in SHARED
        return
    for row in table:
        assert keys(row["source"]), row
        assert set(keys(row["source"])) <= set(SHARED), row
        assert row["basis"] in get_args(Basis), row


def test_every_source_of_a_file_is_described() -> None:
    bare, unknown = [], []
    for path in FILES:
        if path.name in NUMBERS_OF_OURS:
            continue
        table = read(path)
        found = list(cited(table))
        bare += [] if found else [path]
        known = set(SHARED) | set(table.get("sources", {}))
        unknown += [(path, *cite) for cite in found if cite[0] not in known or cite[1] not in get_args(Basis)]
    assert not bare, "files without a citation"
    assert not unknown


def test_every_source_is_used() -> None:
    """A description that nothing cites is a number that went missing, or a key misspelt twice."""
    used = {key for path in FILES for key, _ in cited(read(path))} | set(ONE_SOURCE.values())
    used |= {
        key
        for path in TABLES
        for row in rows(path)
        for column, cell in row.items()
        if column.endswith("source")
        for key in keys(cell)
    }
    used |= {word for path in FILES for note in notes(read(path)) for word in re.findall(r"[\w.-]+", note)}
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "footprint").rglob("*.py"))
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    unused = sorted(key for key in [*SHARED, *(key for _, key in OWN)] if key not in used)
    assert not [key for key in unused if f'"{key}"' not in code and f'"{key}"' not in tests]


def test_the_notice_names_everyone_whose_licence_asks_for_it() -> None:
    """By the holder in brackets, ``CC-BY-4.0 (Ember)``, else by the source's locator."""
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    flat = " ".join(notice.split())
    missing = []
    for key, fields in [*SHARED.items(), *((key, fields) for (_, key), fields in OWN.items())]:
        licence = fields.get("licence", "facts")
        if not ATTRIBUTED.search(licence) or key.startswith("footprint-"):
            continue
        holder = re.search(r"\((?:.*; processed by )?([^();]+)\)", licence)
        wanted = (
            holder.group(1)
            if holder and holder.group(1) != "collector"
            else fields["locator"].split(" ")[0].rstrip(",")
        )
        if wanted not in flat:
            missing.append(f"{key}: {wanted} ({licence})")
    assert not missing


def test_data_that_may_not_be_shipped_is_only_compared_with() -> None:
    """A spread found by comparing may be cited as assumed; no factor, price or profile may."""
    barred = {key for key, fields in SHARED.items() if "not shipped" in fields.get("licence", "")}
    numbers = [path for path in FILES if path.parent.name != "assumptions"]
    assert not barred & {key for path in numbers for key, _ in cited(read(path))}
    assert not barred & {key for path in TABLES for row in rows(path) for key in keys(row.get("source", ""))}
