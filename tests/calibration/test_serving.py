"""The fit of serving engines: the seal was drawn by lot, and the shipped files are what the fit gives."""

from __future__ import annotations

import random
from collections import namedtuple

import pytest

from calibration.serving import ABOUT, in_other_sources
from calibration.serving_fit import fit_engine, fit_power, for_so_few, typical
from calibration.serving_widths import alike, ends, quantile
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
    narrow, wide = ends([-0.2, 0.0, 0.2], [1, 1, 1]), ends([-0.2, 0.0, 0.2], [1, 1, 1], 1.5)
    assert wide[1] > narrow[1] > 0 > narrow[0] > wide[0]


def test_sources_weigh_alike_and_in_each_the_models() -> None:
    """By hand: two sources, of which one has 2 models; its models have 1 and 3 rows."""
    shape = namedtuple("shape", "source shape")
    rows = [shape("a", "x"), shape("b", "y"), shape("b", "z"), shape("b", "z"), shape("b", "z")]
    found = [namedtuple("one", "case")(row) for row in rows]
    assert alike(found) == pytest.approx([1, 1 / 2, 1 / 6, 1 / 6, 1 / 6])  # type: ignore[arg-type]
    # The middles of equal weights of 1 to 10 lie at 5, 15, .. 95 %.
    assert quantile([3, 1, 2, *range(4, 11)], [1] * 10, 0.05) == pytest.approx(1)
    assert quantile([3, 1, 2, *range(4, 11)], [1] * 10, 0.9) == pytest.approx(9.5)


def test_no_constants_have_seen_the_sources_of_widths() -> None:
    named = RULES["sources_of_widths"]
    assert set(named) < set(RULES["sealed_sources"])
    for name in ("vllm-2024", "vllm-2026"):
        found = in_other_sources(load_engine(name), power_constants())
        assert {one.case.source for one in found} <= set(named)
        assert len({one.case.source for one in found}) > 1


def test_a_perfect_engine_takes_the_time_of_the_data_sheet(cases: list[ServingCase]) -> None:
    for case in cases[::25]:
        assert case.time_s(PEAK) >= case.best_s
