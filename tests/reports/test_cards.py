"""What `show` prints for people, against the files it comes from; every suggested command works."""

from __future__ import annotations

import csv
import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from footprint.catalog.files import hardware_folder, reference_folder
from tests.cli.run import footprint

CHIPS = ("a100-sxm4-80gb", "k80", "tpu-v4", "mi300x", "epyc-7763", "rtx4090", "titanrtx")
MODELS = sorted(path.stem for path in (reference_folder() / "models").glob("*.toml"))


def card(kind: str, name: str) -> str:
    done = footprint(kind, "show", name)
    assert done.code == 0, done.err
    for line in done.out.splitlines():
        assert len(line) <= 80, line
    return " ".join(done.out.split())


def test_a_long_address_is_whole_across_its_lines() -> None:
    sources = tomllib.loads((reference_folder() / "sources" / "hardware.toml").read_text("utf-8"))
    address = sources["nvidia-turing-whitepaper"]["locator"]
    lines = footprint("hardware", "show", "titanrtx").out.splitlines()
    assert len(address) > 80
    assert address in "".join(line.strip() for line in lines)


@pytest.mark.parametrize("chip", CHIPS)
def test_a_chip_is_shown_as_its_file_has_it(chip: str) -> None:
    told = tomllib.loads((hardware_folder() / f"{chip}.toml").read_text("utf-8"))
    shown = card("hardware", chip)
    for precision, peak in told["peak_flop_per_s"].items():
        rate = re.search(rf"([\d,.]+) TFLOP/s [^;]*\b{precision}\b", shown)
        assert rate is not None, precision
        assert float(rate[1].replace(",", "")) == pytest.approx(peak / 1e12, rel=1e-5)
    watts = told.get("tdp_w", told.get("measured_w"))
    assert f"{watts:,.6g} W" in shown
    assert shown.count(" in one, host ") == len(told["nodes"])


def test_a_place_is_shown_as_its_table_has_it() -> None:
    with (reference_folder() / "grid.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            row for row in csv.DictReader(file) if row["key"] == "FRA" and row["accounting"] == "lifecycle"
        ]
    newest = max(rows, key=lambda row: int(row["year"]))
    assert f"{float(newest['g_per_kwh']):.1f} g/kWh" in card("regions", "FRA")
    assert f"in {newest['year']}" in card("regions", "FRA")


def test_what_nobody_offers_is_said() -> None:
    assert card("prices", "mi250").count("no offer known: give --usd-per-hour") == 4


def test_the_whole_record_is_behind_explain() -> None:
    shown = footprint("hardware", "show", "h100", "--explain").out
    assert "basis: datasheet" in shown
    assert "hgx-h100-immersion" in shown


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_the_next_command_of_every_model_answers(model: str) -> None:
    done = footprint(*next_command("models", model), "--quiet")
    assert done.code == 0, done.err


def next_command(kind: str, name: str) -> list[str]:
    """The arguments of the command that a card suggests, as a shell reads them."""
    (command,) = re.findall(r"^Next: footprint (.*)", footprint(kind, "show", name).out, re.M | re.S)
    return [word for word in shlex.split(command) if word.strip()]


def test_the_next_command_of_an_image_model_knows_its_images_and_its_file(tmp_path: Path) -> None:
    own = tmp_path / "my own.toml"
    own.write_text(
        'id = "mine"\nname = "Mine"\nyear = 2024\n[config]\nmodel_type = "vit"\nhidden_size = 192\n'
        "num_hidden_layers = 4\nnum_attention_heads = 3\nintermediate_size = 768\nimage_size = 224\n"
        "patch_size = 16\n"
    )
    done = footprint(*next_command("models", str(own)), "--quiet")
    assert done.code == 0, done.err


def test_the_next_command_of_an_own_chip_names_its_file(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text((hardware_folder() / "t4.toml").read_text("utf-8").replace('"t4"', '"mine"', 1), "utf-8")
    done = footprint(*next_command("hardware", str(own)), "--quiet", "--format", "json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["cluster"]["accelerator"] == "mine"


def test_a_chip_in_the_place_of_a_model_is_said_without_options_of_other_commands(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text((hardware_folder() / "t4.toml").read_text("utf-8"), "utf-8")
    done = footprint("models", "show", str(own))  # fails if it names an option that `show` lacks
    assert done.code == 2
    assert f"not a model; as hardware it is {own}:8" in done.err


def test_a_chip_with_a_count_is_told_apart() -> None:
    done = footprint("hardware", "show", "h100:8")
    assert done.code == 2
    assert "did you mean h100? (a chip is named here without a count)" in done.err
