"""The shipped constants are what the data give; `python -m calibration` fits them anew."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from calibration import __main__ as program
from calibration import inputs
from calibration.anchor import fit_anchoring
from calibration.fit import (
    FACTORS,
    PHYSICS,
    Prepared,
    base_constants,
    development_cases,
    log_sums,
    objective,
    prepare_cases,
    readers,
    resolution,
)
from footprint.catalog.assumptions import assumed
from footprint.performance.roofline.constants import load_constants
from footprint.records import replace


@pytest.fixture(scope="module")
def cases() -> list[Prepared]:
    return prepare_cases(development_cases(), base_constants())


@pytest.fixture(scope="module")
def shipped() -> dict[str, float]:
    constants = load_constants()
    return {name: constants[name] for name in (*FACTORS, *PHYSICS)}


def improvements(
    prepared: Sequence[Prepared], values: Mapping[str, float], names: Iterable[str] = (*FACTORS, *PHYSICS)
) -> dict[str, float]:
    """Decrease of the objective by the better move of each constant, up or down by its resolution [1]."""
    base = base_constants()
    sums = log_sums(prepared, base.but(**values))
    best = objective(prepared, values, sums)
    found = {}
    for name in names:
        gains = []
        for move in (resolution(name), -resolution(name)):
            candidate = {**values, name: values[name] * math.exp(move)}
            trial = log_sums(prepared, base.but(**candidate)) if name in PHYSICS else sums
            gains.append(best - objective(prepared, candidate, trial))
        found[name] = max(gains)
    return found


def test_no_step_from_the_shipped_constants_betters_the_fit(cases, shipped):
    # Each constant alone, up and down by its resolution. All of them anew: python -m calibration.
    better = {name: gain for name, gain in improvements(cases, shipped).items() if gain > 0}
    assert not better, "fit anew: python -m calibration --write"


@pytest.mark.parametrize("name", ["software_wide", "passes_fused", "matmul_rate_hopper"])
def test_a_constant_that_is_off_is_found(cases, shipped, name):
    off = {**shipped, name: shipped[name] * (1 + 2 * resolution(name))}
    assert improvements(cases, off, [name])[name] > 0


def test_a_case_that_does_not_read_a_constant_does_not_depend_on_it(cases, shipped):
    # What lets the fit leave a case as it is: a constant far off moves no other case's time.
    base = base_constants().but(**shipped)
    before, affected = log_sums(cases, base), readers(cases, base)
    for name in PHYSICS:
        after = log_sums(cases, base.but(**{name: shipped[name] * 1.5}))
        moved = {place for place, (a, b) in enumerate(zip(before, after, strict=True)) if a != b}
        assert moved <= set(affected[name]), name


def test_fitted_worth_is_what_the_published_rows_say():
    for row in fit_anchoring():
        kept = assumed(f"anchor_fitted.{row.name}")
        assert (kept.value, kept.low, kept.high) == pytest.approx((row.value, row.low, row.high), rel=1e-4)


TOML = (
    "[expert_exposed]\nvalue = {0}\nlow = 0.5\nhigh = 2.0\n[residual]\nvalue = 1.0\nlow = {1}\nhigh = 2.0\n"
)


@pytest.mark.parametrize(
    ("value", "low", "named"),
    [(1.0, 0.8, ""), (1.4, 0.8, "expert_exposed.value"), (1.0, 0.9, "residual.low")],
)
def test_a_fit_that_differs_is_named(tmp_path: Path, value: float, low: float, named: str):
    path = tmp_path / "fitted.toml"
    path.write_text(TOML.format(1.0, 0.8))
    found = list(program.differences(path, TOML.format(value, low)))
    assert [line.split(" is ")[0] for line in found] == ([named] if named else [])


def test_a_fold_that_is_missing_is_named(tmp_path: Path):
    path = tmp_path / "folds.csv"
    path.write_text("by,fold,name,factor\nfamily,a,gap_s,1.0\nfamily,b,gap_s,1.0\n")
    (found,) = program.differences(path, "by,fold,name,factor\nfamily,a,gap_s,1.0\n")
    assert "('family', 'b', 'gap_s')" in found


def test_a_fit_is_left_out_only_where_nothing_changed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(inputs, "VERIFIED", tmp_path / "verified.txt")
    monkeypatch.setattr(inputs, "digest", lambda: "a")
    monkeypatch.setattr(program, "time_model", dict)
    monkeypatch.setattr(program, "what_rests_on_it", dict)
    monkeypatch.setattr(program, "what_rests_on_anchors", dict)
    for said in ("verified", "nothing to fit"):
        assert program.main(["--if-changed"]) == 0
        assert said in capsys.readouterr().out
    monkeypatch.setattr(inputs, "digest", lambda: "b")
    monkeypatch.setattr(program, "time_model", lambda: pytest.fail("fitted"))
    with pytest.raises(pytest.fail.Exception, match="fitted"):
        program.main(["--if-changed"])


def test_a_fit_that_differs_is_not_verified(monkeypatch, tmp_path, capsys):
    path = tmp_path / "fitted.toml"
    path.write_text(TOML.format(1.0, 0.8))
    monkeypatch.setattr(inputs, "VERIFIED", tmp_path / "verified.txt")
    monkeypatch.setattr(program, "time_model", lambda: {path: TOML.format(1.4, 0.8)})
    monkeypatch.setattr(program, "what_rests_on_it", dict)
    monkeypatch.setattr(program, "what_rests_on_anchors", dict)
    assert program.main([]) == 1
    assert "expert_exposed.value is 1, the data give 1.4" in capsys.readouterr().out
    assert inputs.verified() == ""


def test_a_measured_time_a_count_a_chip_and_a_constant_are_inputs(cases):
    item = cases[0]
    cluster = item.case.cluster
    faster = replace(cluster.accelerator, memory_byte_per_s=2 * cluster.accelerator.memory_byte_per_s)
    others = [
        Prepared(replace(item.case, measured_s=1.0), item.work, item.layout),
        Prepared(item.case, replace(item.work, stored_block=1.0), item.layout),
        Prepared(replace(item.case, cluster=replace(cluster, accelerator=faster)), item.work, item.layout),
        Prepared(item.case, item.work, item.layout, 0.5),
    ]
    shipped = load_constants()
    seen = {"\n".join(inputs.as_fitted([other], shipped)) for other in (item, *others)}
    seen.add("\n".join(inputs.as_fitted([item], shipped.but(memory_rate=0.5))))
    assert len(seen) == 6


def test_words_are_no_input_and_numbers_are(monkeypatch, tmp_path):
    def seen(text: str) -> str:
        (tmp_path / "model.py").write_text(text)
        return "".join(inputs._code())

    monkeypatch.setattr(inputs, "ROOT", tmp_path)
    monkeypatch.setattr(inputs, "CODE", ("*.py",))
    first = seen('"""Says something."""\nRATE = 0.5  # of the peak\n')
    assert seen('"""Says it otherwise."""\nRATE = 0.5\n') == first
    assert seen('"""Says something."""\nRATE = 0.6  # of the peak\n') != first
