"""The program that brings newer tables into the data: what it shows, what it refuses, what it writes."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from footprint.catalog import files
from footprint.catalog.places.tables import table
from footprint.catalog.upkeep import __main__ as program

EMBER = """Area,ISO 3 code,Year,Category,Variable,Unit,Value
France,FRA,2025,Power sector emissions,CO2 intensity,gCO2/kWh,41.45
France,FRA,2024,Power sector emissions,CO2 intensity,gCO2/kWh,44.2
Germany,DEU,2026,Power sector emissions,CO2 intensity,gCO2/kWh,310
Germany,DEU,2026,Electricity generation,Coal,TWh,99
Poland,POL,2026,Power sector emissions,CO2 intensity,gCO2/kWh,6.1
World,,2026,Power sector emissions,CO2 intensity,gCO2/kWh,450
Atlantis,ATL,2026,Power sector emissions,CO2 intensity,gCO2/kWh,450
Norway,NOR,2031,Power sector emissions,CO2 intensity,gCO2/kWh,29
Spain,ESP,2026,Power sector emissions,CO2 intensity,gCO2/kWh,0
Italy,ITA,2026,Power sector emissions,CO2 intensity,gCO2/kWh,280
Italy,ITA,2026,Power sector emissions,CO2 intensity,gCO2/kWh,281
"""
PRICES = """cloud,gpu,price,date,region
aws,h100,5.9,2026-11-01,us-east-1
aws,h100,0.059,2026-11-01,us-east-2
lambda,H100 SXM,2.9,2026-11-10,
nobody,h100,3,2026-11-10,
aws,hx,3,2026-11-10,
aws,h100,3,2027-11-10,
aws,h100,-3,2026-11-10,
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of both tables, which the program may write."""
    for name in program.TABLES.values():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(files.shipped(name), tmp_path / name)
    monkeypatch.setattr(program, "shipped", lambda name: str(tmp_path / name))
    monkeypatch.setenv("FOOTPRINT_TODAY", "2026-11-15")
    return tmp_path


def run(
    data: Path, kind: str, text: str, *more: str, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[str]]:
    file = data / "downloaded.csv"
    file.write_text(text, encoding="utf-8")
    code = program.main([kind, str(file), "--source", "new-source", *more])
    return code, capsys.readouterr().out.splitlines()


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_of_ember_shows_what_it_changes(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = run(data, "grid", EMBER, capsys=capsys)
    assert code == 0
    was = next(row for row in table("grid.csv") if (row["key"], row["year"]) == ("FRA", "2024"))
    percent = 100 * (44.2 / float(was["g_per_kwh"]) - 1)
    assert (
        f"~ FRA 2024: {float(was['g_per_kwh']):g} -> 44.2 g/kWh ({percent:+.1f} %), was of {was['source']}"
        in lines
    )
    assert any(line.startswith("+ DEU 2026: 310") for line in lines)
    assert any(line.startswith("+ WLD 2026: 450") for line in lines)
    refused = [line for line in lines if line.startswith("!")]
    assert [line.split(":")[0] for line in refused] == [
        "! line 6",
        "! line 8",
        "! line 9",
        "! line 10",
        "! line 12",
    ]
    assert "--accept POL" in refused[0]
    assert "ATL" in refused[1]
    assert "no year" in refused[2]
    assert "stands twice" in refused[4]
    assert lines[-1] == "3 new, 1 changed, 5 refused"
    assert (data / program.TABLES["grid"]).read_text() == Path(
        files.shipped(program.TABLES["grid"])
    ).read_text()


def test_only_write_writes_and_the_rest_stays(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {(row["key"], row["year"], row["accounting"]): row for row in table("grid.csv")}
    code, _ = run(data, "grid", EMBER, "--write", "--accept", "POL", capsys=capsys)
    assert code == 0
    after = {
        (row["key"], row["year"], row["accounting"]): row for row in rows_of(data / program.TABLES["grid"])
    }
    changed = {key for key in after if after[key] != before.get(key)}
    assert {key[:2] for key in changed} == {
        ("FRA", "2024"),
        ("DEU", "2026"),
        ("POL", "2026"),
        ("WLD", "2026"),
        ("ITA", "2026"),
    }
    assert set(before) <= set(after)
    assert after["DEU", "2026", "lifecycle"] == {
        "key": "DEU", "year": "2026", "accounting": "lifecycle", "g_per_kwh": "310", "source": "new-source",
        "basis": "datasheet",
    }  # fmt: skip


def test_writing_nothing_new_leaves_the_shipped_order(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(data, "grid", "key,year,g_per_kwh\nFRA,2026,40\n", "--write", capsys=capsys)
    written = [row for row in rows_of(data / program.TABLES["grid"]) if row["year"] != "2026"]
    assert written == table("grid.csv")


@pytest.mark.parametrize(
    "text",
    [
        "key,year,g_per_kwh\nFRA,2026,40\n",
        "Entity,Code,Year,Carbon intensity of electricity\nFrance,FRA,2026,40\n",
        "country,iso_code,year,carbon_intensity_elec\nFrance,FRA,2026,40\nFrance,FRA,1990,\n",
        "Datetime (UTC),Country,Zone name,Zone id,Carbon intensity gCO₂eq/kWh (Life cycle)\n"
        "2026-01-01 00:00:00,France,France,FR,40\n",
        "key;year;g_per_kwh\nfrance;2026;40\n",
        "\ufeffkey,year,g_per_kwh\nFR,2026,40\n",
    ],
)
def test_every_form_is_read(data: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = run(data, "grid", text, capsys=capsys)
    assert code == 0
    assert lines[0].startswith("+ FRA 2026: 40 g/kWh")


def test_prices_are_compared_with_those_of_their_provider(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = run(data, "prices", PRICES, "--write", capsys=capsys)
    assert code == 0
    assert lines[0].startswith("+ h100-sxm5-80gb on_demand at aws, us-east-1, 2026-11-01: 5.9 USD/h (")
    assert [line[:8] for line in lines if line.startswith("!")] == [
        "! line 3",
        "! line 5",
        "! line 6",
        "! line 7",
        "! line 8",
    ]
    path = program.TABLES["prices"]
    new = [row for row in rows_of(data / path) if row["source"] == "new-source"]
    assert {(row["provider"], row["usd_per_accelerator_h"]) for row in new} == {
        ("aws", "5.9"),
        ("lambda", "2.9"),
    }
    assert [row for row in rows_of(data / path) if row["source"] != "new-source"] == rows_of(
        Path(files.shipped(path))
    )


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("grid", "", "no rows"), ("grid", "a,b\n1,2\n", "no form"),
        ("grid", "key,year,g_per_kwh\nFRA,2026\n", "line 2"),
        ("grid", 'key,year,g_per_kwh\n"FRA,2026,40\n', "CSV"),
        ("prices", "provider,price\naws,1\n", "accelerator"),
        ("grid", "key,year,g_per_kwh\n" + "FRA,2026,40\n" * 200_001, "200,000"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_is_exit_2(
    data: Path, kind: str, text: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = data / "downloaded.csv"
    file.write_text(text, encoding="utf-8")
    assert program.main([kind, str(file), "--source", "s"]) == 2
    assert says in capsys.readouterr().err


def test_only_refused_rows_are_exit_2_and_are_printed_harmless(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = run(data, "grid", "key,year,g_per_kwh\n\x1b[31mX,2026,40\n", capsys=capsys)
    assert code == 2
    assert "\x1b" not in "".join(lines)
