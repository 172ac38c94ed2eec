"""Numbers that no chip and no config has: a message, or an answer of finite numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.run import footprint
from tests.conftest import ROOT
from tests.hostile.test_files import refused

PROFILE = (ROOT / "hardware_profiles/v100-sxm2-16gb.toml").read_text(encoding="utf-8")
FIELDS = sorted(set(re.findall(r"^(\w+) = [\d.]", PROFILE, re.MULTILINE)) - {"year", "accelerators"})
CONFIG = {
    "model_type": "llama", "hidden_size": 512, "num_hidden_layers": 2, "num_attention_heads": 8,
    "intermediate_size": 2048, "vocab_size": 32000, "max_position_embeddings": 512,
}  # fmt: skip


def test_the_fields_are_those_of_a_profile() -> None:
    assert {"tdp_w", "memory_gib", "fp16", "embodied_high_kg", "network_byte_per_s"} <= set(FIELDS)


@pytest.mark.parametrize("number", ["1e-320", "1e308", "1e24", str(2**127), "-1.0", "inf", "nan"])
@pytest.mark.parametrize("field", FIELDS)
def test_a_quantity_out_of_reach(field: str, number: str, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(re.sub(rf"^{field} = .*$", f"{field} = {number}", PROFILE, flags=re.MULTILINE))
    assert field in refused("estimate", "--model", "bert-base", "--hw", f"{path}:8")


@pytest.mark.parametrize(
    "number",
    ["1e400", "-1e400", "NaN", "1e308", "1e-320", "-1", "0", "4096.5", "true", "null", "[]", "{}", '"x"',
     str(2**63), str(2**127), str(10**30), "1" + "0" * 5000],
)  # fmt: skip
@pytest.mark.parametrize("field", [name for name in CONFIG if name != "model_type"])
def test_a_number_of_a_config(field: str, number: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG | {field: "@"}).replace('"@"', number))
    for args in (
        ("estimate", "--model", str(path), "--hw", "v100:8"),
        ("flops", "--model", str(path), "--seq-len", "8"),
    ):
        done = footprint(*args, "--format", "json")
        assert done.code in (0, 2), done.err
        assert len(done.err.splitlines()) <= 9
        if done.code == 0:
            json.loads(done.out, parse_constant=lambda name: pytest.fail(f"{name} in an answer"))


@pytest.mark.parametrize("text", [b"\xef\xbb\xbf", b"\xff\xfe", b"\x00"])
def test_the_first_bytes_of_a_file(text: bytes, tmp_path: Path) -> None:
    """A byte-order mark of UTF-8 is no part of the text; any other start is one message."""
    path = tmp_path / "config.json"
    path.write_bytes(text + json.dumps(CONFIG).encode())
    if text == b"\xef\xbb\xbf":
        assert footprint("flops", "--model", str(path), "--seq-len", "8").code == 0
    else:
        refused("flops", "--model", str(path), "--seq-len", "8")


@pytest.mark.parametrize("number", ["inf", "-inf", "nan"])
def test_numbers_of_a_config_that_json_lacks_are_shown_as_text(number: str, tmp_path: Path) -> None:

    path = tmp_path / "model.toml"
    path.write_text(f'id = "x"\nname = "X"\nyear = 2024\n[config]\nmodel_type = "llama"\nodd = [{number}]\n')
    done = footprint("models", "show", str(path), "--format", "json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["rows"][0]["config"]["odd"] == [number]
