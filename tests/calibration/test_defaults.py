"""The fitted defaults are those of the data, and hold for developers that were left out."""

from __future__ import annotations

import math
import random
import tomllib
from pathlib import Path

import pytest

from calibration import defaults
from footprint.catalog.assumptions import assumed
from footprint.catalog.files import reference_folder

SHIPPED = reference_folder() / "assumptions" / "defaults_fitted.toml"


def test_the_shipped_numbers_are_what_the_recipes_give() -> None:
    found, shipped = tomllib.loads(defaults.render()), tomllib.loads(SHIPPED.read_text("utf-8"))
    assert found == shipped


def test_the_sealed_developers_were_drawn_by_lot() -> None:
    rules = defaults.rules()
    developers = sorted(rules["developers"])
    assert random.Random(rules["seed"]).sample(developers, len(developers) // 5) == rules["sealed"]  # noqa: S311
    assert not {run.developer for run in defaults.published(sealed=False)} & set(rules["sealed"])
    assert all(run.year < rules["sealed_from_year"] for run in defaults.published(sealed=False))


def test_the_interval_covers_the_developers_that_were_left_out() -> None:
    runs = defaults.published(sealed=False)
    number = assumed("defaults_fitted.batch_tokens")
    reach = math.log(number.high / number.value)
    inside = [abs(error) <= reach for error in defaults.left_out_errors(runs)]
    weights = defaults.weights_of(runs)
    share = sum(w for w, held in zip(weights, inside, strict=True) if held) / sum(weights)
    assert 0.82 <= share <= 0.98


def test_the_law_is_the_normal_equations_solution() -> None:
    """Weighted residuals are orthogonal to every column."""
    runs = defaults.published(sealed=False)
    law, weights = defaults.fit_law(runs), defaults.weights_of(runs)
    residuals = [math.log(law.batch_tokens(run) / run.batch_tokens) for run in runs]
    for column in (lambda run: 1.0, lambda run: math.log(run.parameters), lambda run: math.log(run.tokens)):
        terms = [w * r * column(run) for w, r, run in zip(weights, residuals, runs, strict=True)]
        assert abs(math.fsum(terms)) < 1e-6 * math.fsum(map(abs, terms))


def test_the_number_of_accelerators_does_not_improve_the_law() -> None:
    """Why the law has no such term: with it, developers that are left out are missed by more."""
    import numpy as np

    runs = [run for run in defaults.published(sealed=False) if run.accelerators]

    def missed(*columns) -> float:
        errors = []
        for developer in {run.developer for run in runs}:
            kept = [run for run in runs if run.developer != developer]
            scale = np.sqrt(defaults.weights_of(kept))
            matrix = np.array([[1.0, *(math.log(column(run)) for column in columns)] for run in kept])
            target = np.array([math.log(run.batch_tokens) for run in kept])
            found = np.linalg.lstsq(matrix * scale[:, None], target * scale, rcond=None)[0]
            left = [run for run in runs if run.developer == developer]
            told = [found @ [1.0, *(math.log(column(run)) for column in columns)] for run in left]
            truth = [math.log(run.batch_tokens) for run in left]
            errors.append(np.mean(np.square(np.subtract(told, truth))))
        return float(np.sqrt(np.mean(errors)))

    sizes = (lambda run: run.parameters, lambda run: run.tokens)
    assert missed(*sizes, lambda run: run.accelerators) > missed(*sizes)


def test_no_fit_reads_the_sealed_step_times() -> None:
    for path in Path(defaults.__file__).parent.glob("*.py"):
        assert "mlperf_v51" not in path.read_text("utf-8")
    assert pytest.approx(20.0) == assumed("defaults_fitted.tokens_per_parameter").value
