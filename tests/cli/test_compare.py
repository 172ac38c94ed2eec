"""The command ``footprint compare``: its forms, its files, and its exit codes."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.cli.run import footprint

BASE = ("compare", "--model", "bert-base", "--hw", "v100:8,h100:8", "--region", "FRA,POL")


def test_the_json_is_the_contract() -> None:
    done = footprint(*BASE, "--format", "json")
    assert done.code == 0
    table = json.loads(done.out)
    assert list(table) == [
        "schema", "footprint_version", "data_version", "axes", "baseline", "by", "rows", "pareto", "warnings",
    ]  # fmt: skip
    assert table["schema"] == "footprint/comparison/1"
    assert table["axes"] == [
        {"option": "hw", "values": ["v100:8", "h100:8"]}, {"option": "region", "values": ["FRA", "POL"]},
    ]  # fmt: skip
    for row in table["rows"]:
        assert {"id", "scenario", "feasible", "reason", "duration_h", "energy_kwh", "co2e_kg", "cost_usd",
                "ratio", "best"} <= row.keys()  # fmt: skip
        for name, over in row["ratio"].items():
            assert over["mid"] == pytest.approx(row[name]["mid"] / table["rows"][0][name]["mid"])
            assert over["verdict"] in ("lower", "higher", "not_clear")
            assert (over["verdict"] == "lower") == (over["high"] < 1)


def test_far_ratios_stay_within_80_columns_each_in_its_order() -> None:
    done = footprint("compare", "--model", "gpt3-175b,bert-base", "--hw", "h100:512", "--tokens", "10B")
    assert max(map(len, done.out.splitlines())) <= 80
    rows = json.loads(
        footprint(
            "compare",
            "--model",
            "gpt3-175b,bert-base",
            "--hw",
            "h100:512",
            "--tokens",
            "10B",
            "--format",
            "json",
        ).out
    )["rows"]
    printed = re.findall(r"x([\d.e-]+) \(", done.out.partition("over row 1")[2])
    wanted = [rows[1]["ratio"][name]["mid"] for name in ("duration_h", "energy_kwh", "co2e_kg", "cost_usd")]
    assert [float(one) for one in printed] == pytest.approx(wanted, rel=0.05)


def test_auto_stands_alone_and_is_for_two_commands() -> None:
    done = footprint("compare", "--model", "bert-base", "--hw", "auto,h100:8", "--max-hours", "9")
    assert (done.code, "--hw auto stands alone" in done.err) == (2, True)
    done = footprint("estimate", "--model", "bert-base", "--hw", "auto")
    assert (done.code, "is for `footprint compare` and `footprint plan` alone" in done.err) == (2, True)


def test_a_file_without_a_schema_is_told_the_line_that_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "plain.toml"
    path.write_text('model = "bert-base"\nhw = ["v100:8", "h100:8"]\n')
    for command in ("compare", "rank --from", "estimate --from"):
        done = footprint(*command.split(), str(path))
        assert done.code == 2
        assert 'it has no schema: a scenario starts with the line schema = "footprint/scenario/1"' in done.err


def test_a_list_in_a_file_is_told_where_one_value_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "lists.toml"
    path.write_text('schema = "footprint/scenario/1"\nmodel = "bert-base"\nhw = ["v100:8", "h100:8"]\n')
    done = footprint("rank", "--from", str(path))
    assert (done.code, "lists.toml: hw has a list of values: give one with --hw" in done.err) == (2, True)
    assert footprint("rank", "--from", str(path), "--hw", "h100:8").code == 0
    # These two fields hold lists of their own.
    own = 'tokens = "1M"\nmethod = "lora"\nlora_targets = ["query", "value"]\n'
    own += 'anchor = ["bert-base v100:8 step_time_s=0.1"]\n'
    path.write_text(path.read_text().replace('hw = ["v100:8", "h100:8"]', f'hw = "v100:8"\n{own}'))
    assert footprint("rank", "--from", str(path)).code == 0


def test_the_table_has_80_columns_and_says_what_follows() -> None:
    done = footprint(*BASE, "--by", "time")
    assert max(map(len, done.out.splitlines())) <= 80
    assert "times fewer hours" in done.out
    assert "cost are not clearly different" in done.out.replace("\n", " ")


def test_the_csv_has_a_row_a_scenario_and_neutral_cells(tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    assert footprint(*BASE, "-o", str(out)).code == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert [(row["hw"], row["region"]) for row in rows] == [
        ("v100:8", "FRA"), ("v100:8", "POL"), ("h100:8", "FRA"), ("h100:8", "POL"),
    ]  # fmt: skip
    assert float(rows[0]["ratio_duration_h_mid"]) == 1.0
    assert footprint(*BASE, "-o", str(out)).code == 2  # it is there
    assert footprint(*BASE, "-o", str(out), "--overwrite").code == 0


def test_markdown_escapes_and_holds_every_row() -> None:
    done = footprint(*BASE, "--format", "markdown")
    assert sum(line.startswith("| ") for line in done.out.splitlines()) == 1 + 4


def test_saved_scenarios_and_estimates_are_rows(tmp_path: Path) -> None:
    toml, saved = tmp_path / "one.toml", tmp_path / "two.json"
    assert footprint("estimate", "--model", "gpt2", "--hw", "a100:8", "--save", str(toml)).code == 0
    assert footprint("estimate", "--model", "bert-base", "--hw", "v100:8", "-o", str(saved)).code == 0
    done = footprint("compare", str(toml), str(saved), "--region", "FRA", "--format", "json")
    rows = json.loads(done.out)["rows"]
    assert [row["scenario"]["model"] for row in rows] == ["gpt2", "bert-base"]
    assert all(row["scenario"]["region"] == "FRA" for row in rows)


def test_files_hold_lists_too(tmp_path: Path) -> None:
    """What `compare --save` writes is compared again; of several files each brings its own product."""
    saved, one = tmp_path / "grid.toml", tmp_path / "one.toml"
    options = ("--model", "bert-base", "--hw", "v100:8,h100:8", "--batch-size", "128..256x2")
    first = footprint("compare", *options, "--save", str(saved), "--format", "json")
    again = footprint("compare", str(saved), "--format", "json")
    rows, axes = (json.loads(first.out)[key] for key in ("rows", "axes"))
    assert (json.loads(again.out)["rows"], json.loads(again.out)["axes"]) == (rows, axes)
    assert footprint("estimate", "--model", "gpt2", "--hw", "a100:8", "--save", str(one)).code == 0
    both = footprint("compare", str(saved), str(one), "--region", "FRA", "--format", "json")
    scenarios = [row["scenario"] for row in json.loads(both.out)["rows"]]
    assert [(s["model"], s["hw"], s.get("batch_size")) for s in scenarios] == [
        ("bert-base", "v100:8", 128), ("bert-base", "v100:8", 256), ("bert-base", "h100:8", 128),
        ("bert-base", "h100:8", 256), ("gpt2", "a100:8", None),
    ]  # fmt: skip
    saved.write_text(saved.read_text().replace("128,\n    256", '"1..1000+1"'))
    many = footprint("compare", str(saved), str(one))
    assert many.code == 2
    assert "2,001 scenarios are more than the 200" in many.err


def test_a_row_without_the_field_that_differs_has_a_name(tmp_path: Path) -> None:
    paths = []
    for number, place in enumerate(((), ("--region", "FRA"))):
        paths.append(str(tmp_path / f"{number}.toml"))
        assert (
            footprint("estimate", "--model", "gpt2", "--hw", "a100:8", *place, "--save", paths[-1]).code == 0
        )
    done = footprint("compare", *paths)
    assert re.search(r"FRA takes .* less CO2e\s+than\s+no\s+region;", done.out)


@pytest.mark.slow
def test_every_gpu_that_is_rented_out() -> None:
    done = footprint("compare", "--model", "qwen3-8b", "--method", "lora", "--tokens", "20M", "--hw", "auto",
                     "--region", "FRA", "--by", "time", "--format", "json")  # fmt: skip
    rows = json.loads(done.out)["rows"]
    assert len(rows) > 30
    hours = [row["duration_h"]["mid"] for row in rows]
    assert hours == sorted(hours)
    assert all(row["feasible"] for row in rows)
    clusters = dict(row["scenario"]["hw"].split(":") for row in rows)
    assert clusters["h100-sxm5-80gb"] == "1"
    half = footprint("estimate", "--model", "qwen3-8b", "--method", "lora", "--tokens", "20M", "--hw",
                     f"rtx3080-10gb:{int(clusters['rtx3080-10gb']) // 2}")  # fmt: skip
    assert half.code == 2 or "does not fit" in half.err


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        ("nan", "--max-hours must be above 0"),
        ("0.001", "no chip that is rented out takes the run within 0.001"),
    ],
)
def test_hours_that_no_chip_reaches(hours: str, message: str) -> None:
    done = footprint("compare", "--model", "bert-base", "--hw", "auto", "--max-hours", hours)
    assert done.code == 2
    assert message in done.err


@pytest.mark.slow
def test_a_plot(tmp_path: Path) -> None:
    path = tmp_path / "rows.png"
    assert footprint(*BASE, "--plot", str(path)).code == 0
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--fail-over", "$1"), 3, "is over"),
        (("--fail-over", "$100k"), 0, ""),
        (("--baseline", "5"), 2, "rows are 1 to 4"),
        (("--batch-size", "1..1000000000000+1"), 2, "values"),
        (("--batch-size", "8..1024+8"), 2, "footprint sweep"),
        (("--batch-size", "8,,9"), 2, "empty value"),
        (("--precision", "bf16,fp17"), 2, "fp17"),
        (("--max-hours", "3"), 2, "--hw auto"),
        (("--plot", "x.gif"), 2, ".png"),
        (("nothere.toml",), 2, "nothere.toml"),
    ],
)
def test_exit_codes(args: tuple[str, ...], code: int, message: str) -> None:
    done = footprint(*BASE, *args)
    assert done.code == code
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_row_that_does_not_fit_is_over_every_limit() -> None:
    done = footprint(
        "compare", "--model", "llama2-70b", "--hw", "h100:64,rtx4090:2", "--fail-over", "1000 GWh"
    )
    assert done.code == 3
    assert "row 2 cannot be" in done.err


def test_numbers_of_a_row_say_which_field_they_are_of() -> None:
    done = footprint("compare", "--model", "bert-base", "--hw", "v100:8", "--zero", "0,1", "--tp", "1..2+1",
                     "--goodput", "0.2..0.4+0.2", "--format", "json")  # fmt: skip
    shares = {row["scenario"]["goodput"] for row in json.loads(done.out)["rows"]}
    assert shares == {0.2, 0.4}
    table = footprint("compare", "--model", "bert-base", "--hw", "v100:8", "--zero", "0,1", "--tp", "1..2+1")
    assert "1 zero 0, tp 1" in table.out
    swept = footprint("sweep", "--model", "bert-base", "--hw", "v100:8", "--mfu", "0.1..0.3+0.1")
    assert "mfu 0.300" in swept.out


def test_co2e_of_intensities_on_different_bases_is_not_compared() -> None:
    """Strubell et al. printed what power stations emit; the figure of France counts the whole life cycle."""
    words = ("compare", "--model", "bert-base", "--hw", "v100:8", "--region")
    done = footprint(*words, "FRA,US-STRUBELL2019,POL", "--format", "json")
    table = json.loads(done.out)
    assert [set(row["ratio"]) >= {"co2e_kg"} for row in table["rows"]] == [True, False, True]
    assert not any("co2e_kg" in row["best"] for row in table["rows"])
    assert 2 not in table["pareto"]
    assert "different bases: FRA (lifecycle), US-STRUBELL2019 (direct)" in done.err
    same = json.loads(footprint(*words, "FRA,POL", "--format", "json").out)
    assert same["rows"][1]["ratio"]["co2e_kg"]["mid"] == table["rows"][2]["ratio"]["co2e_kg"]["mid"]
    given = footprint(
        *words[:-1], "--grid-g-per-kwh", "40,50", "--region", "US-STRUBELL2019", "--format", "json"
    )
    assert all("co2e_kg" in row["ratio"] for row in json.loads(given.out)["rows"])
