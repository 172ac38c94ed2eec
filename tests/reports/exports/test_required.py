"""What the sheets without a schema must hold, typed from what was published, and that less is refused.

Model Documentation Form of the EU's code of practice for general-purpose AI, 10 July 2025: sections on the
training, on energy and on the benchmark of inference. SCI for AI of the Green Software Foundation, its
specification as read in November 2026: what a provider reports. GHG Protocol, Scope 2 Guidance, 2015.
codecarbon and Prometheus have readers of their own, which judge their files.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from footprint.reports.exports import export
from tests.reports.exports.records import RECORDS, estimated, exported, mutations

TWO_FIGURES = r"\d\.\de-?\d+"
RANGES = {"< 1 month", "1 - 3 months", "3 - 6 months", "> 6 months"}
UNITS = {"1e15 FLOP", "1e3 training tokens", "1e9 parameters"}
"""The functional units of a provider, one of which is required."""


def _words(value: Any) -> bool:
    return isinstance(value, str) and len(value.split()) > 3


def _ends(value: Any) -> bool:
    return bool(0 < value["low"] <= value["mid"] <= value["high"])


def _of_the_form(sheet: Any) -> dict[str, Callable[[], Any]]:
    training, benchmark = sheet.get("training"), sheet.get("inference_benchmark")
    return {
        "/model/name": lambda: sheet["model"]["name"],
        "/model/parameters": lambda: re.fullmatch(TWO_FIGURES, sheet["model"]["parameters"]),
        "/training/period": lambda: training["period"],
        "/training/wall_clock_days": lambda: re.fullmatch(TWO_FIGURES, training["wall_clock_days"]),
        "/training/duration_range": lambda: training["duration_range"] in RANGES,
        "/training/hardware_days/0/days": lambda: re.fullmatch(
            TWO_FIGURES, training["hardware_days"][0]["days"]
        ),
        "/training/hardware_days/0/device": lambda: training["hardware_days"][0]["device"],
        "/training/compute_flop/ai_office": lambda: re.fullmatch(
            TWO_FIGURES, training["compute_flop"]["ai_office"]
        ),
        "/training/compute_flop/national_authorities": lambda: re.fullmatch(
            r"1e\d+", training["compute_flop"]["national_authorities"]
        ),
        "/training/compute_flop/method": lambda: _words(training["compute_flop"]["method"]),
        "/training/energy_mwh/value": lambda: re.fullmatch(TWO_FIGURES, training["energy_mwh"]["value"]),
        "/training/energy_mwh/known_or_estimated": lambda: (
            training["energy_mwh"]["known_or_estimated"] in ("known", "estimated")
        ),
        "/training/energy_mwh/method": lambda: 10 < len(training["energy_mwh"]["method"].split()) <= 100,
        "/inference_benchmark/compute_flop": lambda: benchmark["compute_flop"],
        "/inference_benchmark/task": lambda: benchmark["task"],
        "/inference_benchmark/hardware": lambda: benchmark["hardware"],
    }


def _of_sci(sheet: Any) -> dict[str, Callable[[], Any]]:
    scores = sheet.get("scores")
    return {
        "/persona": lambda: sheet["persona"] == "provider",
        "/stages": lambda: sheet["stages"],
        "/boundary": lambda: _words(sheet["boundary"]),
        "/intensity/basis": lambda: sheet["intensity"]["basis"].startswith("location-based"),
        "/operational_kg": lambda: _ends(sheet["operational_kg"]),
        "/embodied_kg": lambda: _ends(sheet["embodied_kg"]),
        "/total_kg": lambda: (
            sheet["total_kg"]["mid"]
            == pytest.approx(sheet["operational_kg"]["mid"] + sheet["embodied_kg"]["mid"])
        ),
        "/scores/0/per": lambda: UNITS & {one["per"] for one in scores} and all(one["per"] for one in scores),
        "/scores/0/basis": lambda: all(re.match("gross|effective", one["basis"]) for one in scores),
        "/scores/0/unit": lambda: all(one["unit"] == "g" for one in scores),
        "/method": lambda: _words(sheet["method"]),
        "/left_for_you": lambda: any("functional unit" in one for one in sheet["left_for_you"]),
    }


def _of_scope_2(sheet: Any) -> dict[str, Callable[[], Any]]:
    electricity, factor = sheet.get("electricity"), sheet.get("factor")
    return {
        "/activity/electricity_kwh": lambda: _ends(sheet["activity"]["electricity_kwh"]),
        "/electricity/location_based_t": lambda: _ends(electricity["location_based_t"]),
        "/electricity/market_based_t": lambda: (
            electricity["market_based_t"] is not None
            or any("market-based" in one for one in sheet["left_for_you"])
        ),
        "/electricity/if_you_run_the_site": lambda: electricity["if_you_run_the_site"] == "scope 2",
        "/electricity/if_you_rent_it": lambda: electricity["if_you_rent_it"].startswith("scope 3"),
        "/factor/g_per_kwh": lambda: _ends(factor["g_per_kwh"]),
        "/factor/source": lambda: factor["source"],
        "/factor/year": lambda: 2000 < factor["year"] < 2100,
        "/factor/basis": lambda: factor["basis"] in ("direct", "lifecycle"),
        "/method": lambda: _words(sheet["method"]),
        "/left_for_you": lambda: sheet["left_for_you"],
    }


SHEETS = {"eu-mdf": _of_the_form, "sci-ai": _of_sci, "ghg": _of_scope_2}


def problems(name: str, sheet: Any) -> list[str]:
    """The required fields that a sheet lacks or that hold something else."""
    found = []
    checks = {
        **SHEETS[name](sheet),
        "/follows": lambda: re.search(r"\b20\d\d\b", sheet["follows"]),
        "/conformity": lambda: sheet["conformity"] == "not claimed",
        "/kind": lambda: sheet["kind"] in RECORDS,
    }
    for at, check in checks.items():
        try:
            if not check():
                found.append(at)
        except (KeyError, TypeError, IndexError, AttributeError):
            found.append(at)
    return found


@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("name", SHEETS)
def test_it_has_what_is_required(name: str, kind: str) -> None:
    assert problems(name, exported(name, RECORDS[kind]())) == []


@pytest.mark.parametrize("name", SHEETS)
def test_without_a_required_field_it_is_refused(name: str) -> None:
    required = {*SHEETS[name](exported(name, estimated())), "/follows", "/conformity", "/kind"}
    tried = set()
    for at, change in mutations(exported(name, estimated())):
        if at in required:
            broken = exported(name, estimated())
            change(broken)
            assert at in problems(name, broken)
            tried.add(at)
    assert tried == required


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("eu-mdf", "/training/energy_mwh/value", "0.0896"),
        ("eu-mdf", "/training/compute_flop/national_authorities", "2.4e19"),
        ("eu-mdf", "/training/duration_range", "22.8 h"),
        ("sci-ai", "/intensity/basis", "market-based"),
        ("sci-ai", "/scores/0/unit", "kg"),
        ("ghg", "/electricity/location_based_t", {"low": 2.0, "mid": 1.0, "high": 3.0}),
        ("ghg", "/factor/basis", "marginal"),
    ],
)
def test_another_unit_or_word_is_refused(name: str, at: str, value: Any) -> None:
    sheet = exported(name, estimated())
    *path, last = at.split("/")[1:]
    part = sheet
    for key in path:
        part = part[int(key)] if isinstance(part, list) else part[key]
    part[last] = value
    assert at in problems(name, sheet)


def test_codecarbon_adds_its_rows_to_the_file_and_not_to_a_broken_one(tmp_path: Path) -> None:
    from codecarbon.output_methods.emissions_data import EmissionsData
    from codecarbon.output_methods.file import FileOutput

    text = export(estimated(), "codecarbon").text
    (row,) = csv.DictReader(io.StringIO(text))
    for content, fits in ((text, True), (text.replace("energy_consumed", "energy", 1), False)):
        (tmp_path / "emissions.csv").write_text(content)
        output = FileOutput("emissions.csv", str(tmp_path))
        assert output.has_valid_headers(EmissionsData(**row)) == fits


@pytest.mark.parametrize(("old", "new"), [('"} ', '" '), ('bound="low"', "bound=low"), ("} ", "} x")])
def test_a_broken_exposition_is_refused_by_its_reader(old: str, new: str) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    text = export(estimated(), "prometheus").text
    assert list(text_string_to_metric_families(text))
    assert old in text
    with pytest.raises(ValueError, match=r"."):
        list(text_string_to_metric_families(text.replace(old, new, 1)))
