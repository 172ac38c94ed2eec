"""`footprint estimate`: the contract that outside scripts rely on."""

import csv
import json
import math
from pathlib import Path

import pytest

from tests.cli.run import footprint

MAIN = ("estimate", "--model", "bert-base", "--hw", "v100x8")
GIVEN = (*MAIN, "--step-time-s", "0.25", "--goodput", "0.8", "--it-power-w", "2600", "--pue", "1.25",
         "--grid-g-per-kwh", "400", "--usd-per-hour", "2.5")  # fmt: skip
HOURS = 1_000_000 * 0.25 / 0.8 / 3600

# Typed from the contract, not from the code: keys may be added, never renamed or lost.
CONTRACT = {
    "": """schema footprint_version data_version created_at name boundary model cluster workload flop
        parallelism peak_flop_per_s step_time_s mfu mfu_convention goodput duration_h accelerator_h
        it_power_w it_energy_kwh energy_components_kwh pue energy_kwh place grid_g_per_kwh co2e_kg
        co2e_market_kg embodied_co2e_kg water_l price cost_usd repeats total assumptions warnings""",
    "model": "name family parameters active_parameters",
    "cluster": "accelerator variant unit count nodes",
    "workload": """tokens source_tokens target_tokens samples steps phases sequences_per_step
        sequence_length method precision""",
    "flop": "model_flop hardware_flop model_flop_causal",
    "parallelism": "tp pp dp cp ep micro_batch recompute given",
    "energy_components_kwh": "accelerators cpu ram other_node network cooling",
    "place": "key name year basis source",
    "price": "usd_per_accelerator_h provider purchase offers providers dated",
    "repeats": "runs failed_share",
    "total": "accelerator_h energy_kwh co2e_kg cost_usd",
}
QUANTITIES = """step_time_s mfu goodput duration_h accelerator_h it_power_w it_energy_kwh pue energy_kwh
    grid_g_per_kwh co2e_kg embodied_co2e_kg cost_usd"""


def as_json(*args: str) -> dict[str, object]:
    done = footprint(*args, "--format", "json")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert isinstance(record, dict)
    return record


def test_the_main_command_answers() -> None:
    done = footprint(*MAIN)
    assert done.code == 0
    assert "90 % interval" in done.out
    for word in ("duration", "energy (facility)", "operational CO2e", "cost", "PUE", "MFU"):
        assert word in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_json_keeps_the_contract() -> None:
    record = as_json(*MAIN)
    assert record["schema"] == "footprint/estimate/1"
    for part, keys in CONTRACT.items():
        holder = record[part] if part else record
        assert isinstance(holder, dict)
        assert set(keys.split()) <= set(holder), part
    for name in QUANTITIES.split():
        quantity = record[name]
        assert isinstance(quantity, dict)
        assert set(quantity) == {"low", "mid", "high"}
        assert quantity["low"] <= quantity["mid"] <= quantity["high"]
    for row in record["assumptions"]:  # type: ignore[attr-defined]
        assert {"name", "value", "unit", "basis", "source"} <= set(row)


def test_json_is_unrounded_arithmetic() -> None:
    record = as_json(*GIVEN)
    assert record["duration_h"]["mid"] == pytest.approx(HOURS, rel=1e-12)  # type: ignore[index]
    assert record["energy_kwh"]["mid"] == pytest.approx(2.6 * HOURS * 1.25, rel=1e-12)  # type: ignore[index]


def test_markdown_is_a_table() -> None:
    done = footprint(*MAIN, "--format", "markdown")
    assert done.code == 0
    assert "|---|---:|---|" in done.out


def test_csv_has_the_json_names_flattened() -> None:
    done = footprint(*GIVEN, "--format", "csv")
    (row,) = csv.DictReader(done.out.splitlines())
    assert row["kind"] == "estimate"
    assert float(row["energy_kwh_mid"]) == pytest.approx(2.6 * HOURS * 1.25, rel=1e-12)
    assert {"run_id", "started_at", "schema"} <= set(row)


def test_output_csv_appends_and_other_files_are_kept(tmp_path: Path) -> None:
    report = tmp_path / "runs.csv"
    for _ in range(2):
        assert footprint(*GIVEN, "-o", str(report)).code == 0
    rows = list(csv.DictReader(report.read_text().splitlines()))
    assert len(rows) == 2
    assert rows[0]["run_id"] != rows[1]["run_id"]
    page = tmp_path / "page.md"
    page.write_text("mine")
    done = footprint(*GIVEN, "--format", "markdown", "-o", str(page))
    assert done.code == 2
    assert page.read_text() == "mine"
    assert footprint(*GIVEN, "--format", "markdown", "-o", str(page), "--overwrite").code == 0
    assert "bert-base" in page.read_text()


def test_a_csv_of_another_schema_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    done = footprint(*GIVEN, "-o", str(other))
    assert done.code == 2
    assert "schema" in done.err
    assert other.read_text() == "a,b\n1,2\n"


def test_missing_folder_is_one_line(tmp_path: Path) -> None:
    for args in (
        ("-o", str(tmp_path / "no" / "x.json"), "--format", "json"),
        ("-o", str(tmp_path / "no" / "x.csv")),
    ):
        done = footprint(*GIVEN, *args)
        assert done.code == 2
        assert len(done.err.strip().splitlines()) == 1


def test_a_scenario_round_trips(tmp_path: Path) -> None:
    scenario = tmp_path / "s.toml"
    assert footprint(*GIVEN, "--lora-targets", "q", "--save", str(scenario)).code == 2, "targets need lora"
    assert not scenario.exists()
    first = as_json(*GIVEN, "--save", str(scenario))
    again = as_json("estimate", "--from", str(scenario))
    assert {**again, "created_at": ""} == {**first, "created_at": ""}
    doubled = as_json("estimate", "--from", str(scenario), "--pue", "2.5")
    assert doubled["energy_kwh"]["mid"] == pytest.approx(2 * first["energy_kwh"]["mid"])  # type: ignore[index]


@pytest.mark.parametrize(
    "text",
    [
        "schema = 'other'\nhw = 'v100'",
        "hw = 'v100:8'",
        "schema = 'footprint/scenario/1'\nhw = 'v100'\nhours = 'x'",
        "schema = 'footprint/scenario/1'\nhww = 'v100'",
        "= broken",
        "\x00\x01",
        "schema = 'footprint/scenario/1'",
    ],
)
def test_broken_scenarios_are_one_clear_line(tmp_path: Path, text: str) -> None:
    scenario = tmp_path / "s.toml"
    scenario.write_text(text)
    done = footprint("estimate", "--from", str(scenario))
    assert done.code == 2
    assert "Traceback" not in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("limit", "code"),
    [("300 kWh", 0), ("280 kWh", 3), ("0.28 MWh", 3), ("114 kgCO2e", 0), ("112 kgCO2e", 3),
     ("$1.8k", 0), ("$1700", 3), ("4d", 0), ("3d", 3), ("86 h", 3), ("0.2 tCO2e", 0)],
)  # fmt: skip
def test_fail_over_compares_the_median(limit: str, code: int) -> None:
    # 86.8 h, 282 kWh, 112.8 kg, $1,736: from HOURS by hand
    assert math.isclose(HOURS, 86.8, rel_tol=1e-3)
    assert footprint(*GIVEN, "--fail-over", limit).code == code


def test_fail_over_can_hold_the_upper_end() -> None:
    record = as_json(*MAIN)
    between = (record["energy_kwh"]["mid"] + record["energy_kwh"]["high"]) / 2  # type: ignore[index]
    assert footprint(*MAIN, "--fail-over", f"{between} kWh").code == 0
    assert footprint(*MAIN, "--fail-over", f"{between} kWh", "--fail-over-bound", "high").code == 3


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--model", "bert-bsae", "--hw", "v100:8"), "did you mean bert-base"),
        (("--model", "bert-base", "--hw", "v1000:8"), "did you mean"),
        (("--model", "bert-base", "--hw", "v100:8", "--region", "Frnce"), "did you mean"),
        (("--model", "bert-base", "--hw", "v100:8", "--provider", "amazn"), "did you mean"),
        (("--model", "bert-base", "--hw", "v100:0"), "v100"),
        (("--model", "bert-base", "--hw", "v100:8", "--tokens", "-3"), "--tokens"),
        (("--model", "bert-base", "--hw", "v100:8", "--tokens", "nan"), "--tokens"),
        (("--model", "bert-base", "--hw", "v100:8", "--hours", "inf"), "--hours"),
        (("--model", "bert-base", "--hw", "v100:8", "--hours", "3", "--mfu", "0.3"), "--hours and --mfu"),
        (("--model", "bert-base", "--hw", "v100:8", "--pue", "0.9"), "--pue"),
        (("--model", "bert-base", "--hw", "v100:8", "--grid-g-per-kwh", "nan"), "--grid-g-per-kwh"),
        (("--model", "bert-base", "--hw", "v100:8", "--failed-share", "1"), "--failed-share"),
        (("--model", "bert-base", "--hw", "v100:8", "--precision", "fp9"), "fp9"),
        (("--model", "bert-base"), "--hw"),
        (("--hw", "v100:8"), "--model"),
        (("--model", "no/such/config.json", "--hw", "v100:8"), "config.json"),
        (("--model", "bert-base", "--hw", "v100:8", "--plot", "x.exe"), ".png"),
        (("--model", "bert-base", "--hw", "v100:8", "--fail-over", "10 apples"), "kgCO2e"),
        (("--model", "bert-base", "--hw", "v100:8", "--frobnicate"), "frobnicate"),
    ],
)  # fmt: skip
def test_bad_input_is_exit_2_and_says_what_to_do(args: tuple[str, ...], says: str) -> None:
    done = footprint("estimate", *args)
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err
    assert not done.out


def test_explain_shows_formulas_numbers_and_sources() -> None:
    done = footprint(*GIVEN, "--explain")
    assert "2.600 kW x 86.806 h = 225.7 kWh" in done.out
    assert "Sources:" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_spread_names_the_causes() -> None:
    record = as_json(*MAIN, "--spread", "--region", "FRA")
    causes = record["co2e_kg"]["spread"]  # type: ignore[index]
    assert {"time_model", "pue", "grid:FRA:2025"} <= set(causes)


def test_equivalents_are_for_scale_only() -> None:
    done = footprint(*GIVEN, "--equivalents")
    assert max(map(len, done.out.splitlines())) <= 80
    assert "For scale only" in done.out
    assert "462 km" in done.out or "460 km" in done.out  # 112.8 kg / 0.2442 kg a km


def test_plot_writes_a_picture(tmp_path: Path) -> None:
    picture = tmp_path / "t.png"
    assert footprint(*MAIN, "--quiet", "--plot", str(picture)).code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert footprint(*MAIN, "--plot", str(picture)).code == 2, "an existing file is kept"


def test_quiet_leaves_stderr_empty() -> None:
    assert "no place given" in footprint(*MAIN).err
    assert footprint(*MAIN, "--quiet").err == ""


def test_what_clearly_does_not_fit_is_an_error_and_forced_it_is_marked_everywhere() -> None:
    big = ("estimate", "--model", "llama2-70b", "--hw", "h100:1", "--tokens", "1e9", "--hours", "100")
    refused = footprint(*big)
    assert refused.code == 2
    assert "--force" in refused.err
    mark = "clearly too little memory, and forced: "
    table = footprint(*big, "--force", "--quiet")
    assert table.code == 0
    assert mark in table.err
    assert any(mark in warning for warning in as_json(*big, "--force")["warnings"])  # type: ignore[union-attr]
    assert mark in footprint(*big, "--force", "--format", "markdown").out
    (row,) = csv.DictReader(footprint(*big, "--force", "--format", "csv").out.splitlines())
    assert int(row["warnings_count"]) >= 1
    gated = footprint(*big, "--force", "--fail-over", "1e12 kWh")
    assert gated.code == 3
    assert "--fail-over does not pass" in gated.err


def test_human_numbers() -> None:
    short = as_json("estimate", "--model", "llama2-7b", "--hw", "a100:64", "--tokens", "300B", "--mfu", "0.4")
    plain = as_json(
        "estimate", "--model", "llama2-7b", "--hw", "a100:64", "--tokens", "300e9", "--mfu", "0.4"
    )
    assert short["duration_h"] == plain["duration_h"]


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    report = tmp_path / "r.csv"
    assert footprint(*GIVEN, "--name", "=cmd|' /C calc'!A0", "-o", str(report)).code == 0
    assert ",=cmd" not in report.read_text()
    page = footprint(*GIVEN, "--name", "x", "--format", "markdown", "--model", "<script>")
    assert page.code == 2


def test_an_estimate_of_hours_alone_has_no_empty_line_for_what_is_trained() -> None:
    done = footprint("estimate", "--hours", "10", "--hw", "h100:8", "--region", "FRA")
    assert "10.0 h" in done.out
    assert "\n\n\n" not in done.out
