"""The fit of serving engines: the seal was drawn by lot, and the shipped files are what the fit gives."""

from __future__ import annotations

import random
from collections import namedtuple

import numpy as np
import pytest

from calibration.serving import ABOUT
from calibration.serving_fit import (
    Rows,
    fit_engine,
    fit_power,
    fit_sources,
    for_so_few,
    typical,
)
from calibration.serving_widths import Tried, alike, ends, named, source_shares
from calibration.tables import interpolated
from footprint.catalog.files import read_csv, reference_folder
from footprint.records import replace
from footprint.serving.engine import load_engine
from footprint.serving.settle import power_constants
from footprint.validation.cases import evaluation
from footprint.validation.published.serving import Outside
from footprint.validation.published.serving_rows import PEAK, ServingCase, is_sealed, serving_cases

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
    second = RULES["second"]
    again = random.Random(second["seed"])  # noqa: S311 - a draw, not a secret
    assert again.sample(sorted(second["sources"]), 2) == second["sealed"]


def test_no_fit_reads_what_is_sealed(cases: list[ServingCase]) -> None:
    assert len(cases) == 1441
    assert not [case for case in cases if case.source in RULES["second"]["sealed"]]
    assert set(RULES["sealed_sources"]) < set(RULES["fitted_since"])
    sealed = set(RULES["sealed_models"]) - set(RULES["fitted_since"])
    assert len(sealed) == 11
    assert not [case for case in cases if f"{case.source}/{case.model}" in sealed]


@pytest.mark.parametrize("name", [*ABOUT])
def test_the_shipped_constants_are_those_of_the_fit(cases: list[ServingCase], name: str) -> None:
    found = fit_engine([case for case in cases if name in (case.engine, case.server)])
    for shipped, fitted in zip(load_engine(name).constants, found, strict=True):
        assert fitted == pytest.approx(shipped, rel=0.02)


def test_the_shipped_power_and_typical_engine(cases: list[ServingCase]) -> None:
    for shipped, fitted in zip(power_constants(), fit_power(cases), strict=True):
        assert fitted == pytest.approx(shipped, rel=0.02)
    engines = {case.engine for case in cases}
    mean = typical(
        [(about[1], load_engine(name).constants) for name, about in ABOUT.items() if name in engines]
    )
    for shipped, fitted in zip(load_engine("typical").constants, mean, strict=True):
        assert fitted == pytest.approx(shipped, rel=0.01)


def test_a_fit_finds_what_made_the_rows(cases: list[ServingCase]) -> None:
    """Rows that are made with known constants give these constants back, but for the prior's pull."""
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
    assert interpolated([3, 1, 2, *range(4, 11)], [1] * 10, 0.05) == pytest.approx(1)
    assert interpolated([3, 1, 2, *range(4, 11)], [1] * 10, 0.9) == pytest.approx(9.5)


def test_many_rows_as_one_take_the_times_of_each(cases: list[ServingCase]) -> None:
    """Arrays go through the formulas of a step as numbers do, overlap and experts included."""
    rows = cases[::7]
    for name in ("transformers-2023", "vllm-2026", "tensorrt-llm-2025"):
        reached = load_engine(name).constants
        assert Rows(rows).time_s(reached) == pytest.approx([case.time_s(reached) for case in rows], rel=1e-12)


def test_a_source_with_many_rows_does_not_outweigh_one_with_few(cases: list[ServingCase]) -> None:
    """Two made servers, one three times as slow by its host: the engine lies between, whatever the rows."""
    made = load_engine("vllm-2026").constants
    slow = made._replace(sequence_host_s=3 * made.sequence_host_s)
    own = [case for case in cases if case.source == "mlenergy-v3" and not case.experts]
    rows = [
        replace(case, source=source, tokens_per_s=case.batch / case.time_s(reached))
        for source, reached, some in (("quick", made, own), ("slow", slow, own[::6]))
        for case in some
    ]
    mean, found = fit_sources(rows)
    assert found["quick"].sequence_host_s == pytest.approx(made.sequence_host_s, rel=0.25)
    assert found["slow"].sequence_host_s == pytest.approx(slow.sequence_host_s, rel=0.3)
    middle = (found["quick"].sequence_host_s * found["slow"].sequence_host_s) ** 0.5
    assert mean.sequence_host_s == pytest.approx(middle, rel=0.1)


def test_an_engine_keeps_the_prior_where_no_row_says_anything(cases: list[ServingCase]) -> None:
    """gpt-fast has no experts."""
    found = fit_engine([case for case in cases if case.engine == "gpt-fast-2024"])
    assert found.expert_factor == pytest.approx(1.2, rel=1e-3)


def test_the_ends_of_an_engine_are_those_that_leave_a_tenth_of_its_sources_outside(
    cases: list[ServingCase],
) -> None:
    """Made rows: a server of the engine measured 1.5 times as slow in device and host alike at every row."""
    own = [case for case in cases if case.source == "tt-inference-server" and not case.experts]
    engine = load_engine("vllm-2026")
    found = [
        Outside(
            replace(
                case, source=f"server {n}", tokens_per_s=case.batch / (factor * case.time_s(engine.constants))
            ),
            engine,
            power_constants(),
        )
        for n, factor in enumerate((1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.5))
        for case in own
    ]
    # 9 servers as predicted and 1 slower: a tenth of the weight may lie outside, so no end need be far.
    assert Tried(found).end(np.full(len(found), 1 / len(found)), 1.0) < 1.06
    assert Tried(found).end(np.full(len(found), 1 / len(found)), 1.0, of_one=0.25) > 1.15
    assert sum(source_shares(found)) == pytest.approx(10)
    assert sum(source_shares(found, 1.0)) == pytest.approx(1)
    assert named(found[:-20], found[-20:]).low_factor < 1 < named(found[:-20], found[-20:]).high_factor


def test_a_perfect_engine_takes_the_time_of_the_data_sheet(cases: list[ServingCase]) -> None:
    for case in cases[::25]:
        assert case.time_s(PEAK) >= case.best_s
