"""The fit of serving engines: the seal was drawn by lot, and the shipped files are what the fit gives."""

from __future__ import annotations

import random

import pytest

from calibration.serving import ABOUT, ends
from calibration.serving_fit import fit_engine, fit_power, for_so_few, typical
from footprint.catalog.files import read_csv, reference_folder
from footprint.serving.engine import load_engine
from footprint.serving.settle import power_constants
from footprint.validation.cases import evaluation
from footprint.validation.published.serving import PEAK, ServingCase, is_sealed, serving_cases

RULES = evaluation()["serving"]


@pytest.fixture(scope="module")
def cases() -> list[ServingCase]:
    return [case for case in serving_cases() if not is_sealed(case)]


def test_the_sealed_models_were_drawn_by_lot() -> None:
    rows = list(read_csv(reference_folder() / "published" / "serving.csv"))
    generator = random.Random(RULES["seed"])  # noqa: S311 - a draw, not a secret
    drawn = []
    for source in ("mlenergy-v1", "mlenergy-v2", "mlenergy-v3"):
        models = sorted({row["model"] for row in rows if row["source"] == source})
        chosen = sorted(generator.sample(models, round(len(models) / 5)))
        drawn += [f"{source}/{model}" for model in chosen]
    assert drawn == RULES["sealed_models"]


def test_no_fit_reads_what_is_sealed(cases: list[ServingCase]) -> None:
    assert len(cases) == 743
    assert not [case for case in cases if case.source in RULES["sealed_sources"]]
    sealed = set(RULES["sealed_models"]) - set(RULES["fitted_since"])
    assert len(sealed) == len(RULES["sealed_models"]) - len(RULES["fitted_since"]) == 11
    assert not [case for case in cases if f"{case.source}/{case.model}" in sealed]


@pytest.mark.parametrize("name", ["gpt-fast-2024", "accelerate-2022", "deepspeed-2022", "vllm-2026"])
def test_the_shipped_constants_are_those_of_the_fit(cases: list[ServingCase], name: str) -> None:
    found = fit_engine([case for case in cases if case.engine == name])
    for shipped, fitted in zip(load_engine(name).constants, found, strict=True):
        assert fitted == pytest.approx(shipped, rel=0.02)


def test_the_shipped_power_and_typical_engine(cases: list[ServingCase]) -> None:
    for shipped, fitted in zip(power_constants(), fit_power(cases), strict=True):
        assert fitted == pytest.approx(shipped, rel=0.02)
    mean = typical([(about[1], load_engine(name).constants) for name, about in ABOUT.items()])
    for shipped, fitted in zip(load_engine("typical").constants, mean, strict=True):
        assert fitted == pytest.approx(shipped, rel=0.01)


def test_a_fit_finds_what_made_the_rows(cases: list[ServingCase]) -> None:
    """Rows that are made with known constants give these constants back, but for the prior's pull."""
    from footprint.records import replace

    own = [case for case in cases if case.engine == "vllm-2026"][::4]
    made = load_engine("vllm-2026").constants
    rows = [replace(case, tokens_per_s=case.batch / case.time_s(made)) for case in own]
    found = fit_engine(rows)
    assert found.memory_share == pytest.approx(made.memory_share, rel=0.05)
    assert found.sequence_host_s == pytest.approx(made.sequence_host_s, rel=0.1)
    assert found.matmul_share == pytest.approx(made.matmul_share, rel=0.15)


def test_few_models_widen_an_interval() -> None:
    """Student's t over the normal quantile at 95 % one-sided, from printed tables."""
    assert for_so_few(5) == pytest.approx(2.132 / 1.645)
    assert for_so_few(31) == pytest.approx(1.697 / 1.645, rel=0.01)
    narrow, wide = ends([-0.2, 0.0, 0.2]), ends([-0.2, 0.0, 0.2], 1.5)
    assert wide.high_factor > narrow.high_factor > 1 > narrow.low_factor > wide.low_factor


def test_a_perfect_engine_takes_the_time_of_the_data_sheet(cases: list[ServingCase]) -> None:
    for case in cases[::25]:
        assert case.time_s(PEAK) >= case.best_s
