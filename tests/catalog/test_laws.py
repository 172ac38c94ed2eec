"""Files of scaling laws: every constant has its unit and its source, every form its constants."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from footprint.catalog.laws import find_law, law_ids
from tests.conftest import ROOT

CONSTANTS = {
    "parametric": {"E", "A", "B", "alpha", "beta", "largest_parameters"},
    "power": {"coefficient", "exponent", "largest_parameters"},
}


def raw(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / "reference_data" / "laws" / f"{name}.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", law_ids())
def test_every_constant_has_its_unit_and_its_source(name: str) -> None:
    tables = raw(name)["constants"]
    for key, table in tables.items():
        assert {"value", "unit", "basis", "source"} <= table.keys(), key
        assert table["value"] > 0, key
    law = find_law(name)
    assert CONSTANTS.get(law.form, set()) <= law.constants.keys()
    assert law.caveat
    assert law.corpus


def test_there_are_eight_laws() -> None:
    assert law_ids() == [
        "besiroglu2024", "hoffmann2022_a1", "hoffmann2022_a2", "hoffmann2022_a3", "hoffmann2022_a3_rounded",
        "kaplan2020", "muennighoff2023", "sardana2023",
    ]  # fmt: skip


def test_constants_as_their_papers_print_them() -> None:
    refit = find_law("besiroglu2024")
    assert [refit[key] for key in ("E", "A", "B", "alpha", "beta")] == [
        1.8172,
        482.01,
        2085.43,
        0.3478,
        0.3658,
    ]
    errors = [raw("besiroglu2024")["constants"][key]["standard_error"] for key in ("E", "A", "B")]
    assert errors == [0.03, 124.58, 1293.23]
    assert refit["beta"] / (refit["alpha"] + refit["beta"]) == pytest.approx(0.5126, abs=5e-5)
    repeated = find_law("muennighoff2023")
    assert repeated["E"] == pytest.approx(1.8691, abs=1e-4)
    assert repeated["A"] == pytest.approx(520.8, abs=0.1)
    assert repeated["B"] == pytest.approx(1487.7, abs=0.1)
