"""What `show` prints for people, against the files it comes from; every suggested command works."""

from __future__ import annotations

import csv
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
    (command,) = re.findall(r"Next: footprint (.*)", footprint("models", "show", model).out)
    done = footprint(*shlex.split(command), "--quiet")
    assert done.code == 0, done.err


def test_the_next_command_of_an_image_model_knows_its_images(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(
        'id = "mine"\nname = "Mine"\nyear = 2024\n[config]\nmodel_type = "vit"\nhidden_size = 192\n'
        "num_hidden_layers = 4\nnum_attention_heads = 3\nintermediate_size = 768\nimage_size = 224\n"
        "patch_size = 16\n"
    )
    (command,) = re.findall(r"Next: footprint (.*)", footprint("models", "show", str(own)).out)
    done = footprint(*shlex.split(command.replace("mine", str(own))), "--quiet")
    assert done.code == 0, done.err
