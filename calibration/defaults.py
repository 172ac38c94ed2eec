"""Fits the law of the batch, and the usual amount and length of a pre-training, to published recipes.

The batch of a language model [tokens] is a power law of its parameters and its tokens. The number of
accelerators as a third variable increased the error for left-out developers. The weight of a developer is
the square root of its number of models. A fifth of the developers, drawn at random before the first fit,
and every recipe from `sealed_from_year` on are not used in the fit (``reference_data/evaluation.toml``).
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from calibration.tables import Fitted, text_of
from footprint.arithmetic import weighted_quantile
from footprint.catalog.files import reference_folder
from footprint.catalog.models import all_models
from footprint.equations import REFERENCE_PARAMETERS, REFERENCE_TOKENS, batch_tokens
from footprint.estimator.workload import tokens_per_sequence
from footprint.schema import ModelConfig, Recipe

NINETY = 1.645
"""Half-width of a normal distribution's 90 % interval, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Published:
    """The sizes of one published pre-training of a language model."""

    model: str
    developer: str
    year: int
    parameters: float
    tokens: float
    batch_tokens: float
    sequence_length: int
    accelerators: int | None


@dataclass(frozen=True, slots=True)
class Law:
    """``batch_tokens`` at the reference size, and its exponents."""

    reference_tokens: float
    per_parameters: float
    per_tokens: float

    def batch_tokens(self, run: Published) -> float:
        """The batch of a run by the law [tokens]."""
        batch: float = batch_tokens(
            self.reference_tokens, run.parameters, run.tokens, self.per_parameters, self.per_tokens
        )
        return batch


@cache
def rules() -> dict[str, Any]:
    """The rules for the recipes that are used and the recipes that are sealed."""
    text = (reference_folder() / "evaluation.toml").read_text("utf-8")
    found: dict[str, Any] = tomllib.loads(text)["defaults"]
    return found


def published(*, sealed: bool) -> list[Published]:
    """The recipes for the fit, or with ``sealed`` those that the fit does not use."""
    chosen = rules()
    found = []
    for model in all_models():
        developer = next(
            (name for name, ids in chosen["developers"].items() if model.id.startswith(tuple(ids))), None
        )
        apart = developer in chosen["sealed"] or model.year >= chosen["sealed_from_year"]
        run = None if developer is None or apart is not sealed else _published(model, developer)
        found += [] if run is None else [run]
    return found


def _published(model: ModelConfig, developer: str) -> Published | None:
    """The sizes of a recipe; None if one is missing."""
    recipe = model.recipe or Recipe()
    phases = [phase for phase in recipe.phases if phase.sequences_per_step and phase.sequence_length]
    tokens = recipe.tokens or sum(
        (phase.steps or 0) * (phase.sequences_per_step or 0) * tokens_per_sequence(phase) for phase in phases
    )
    if recipe.method != "pretrain" or not phases or not tokens or not model.parameters:
        return None
    return Published(
        model=model.id,
        developer=developer,
        year=model.year,
        parameters=model.parameters,
        tokens=tokens,
        batch_tokens=max((phase.sequences_per_step or 0) * tokens_per_sequence(phase) for phase in phases),
        sequence_length=max(tokens_per_sequence(phase) for phase in phases),
        accelerators=recipe.accelerators,
    )


def weights_of(runs: Sequence[Published]) -> list[float]:
    """Weights of the runs: 1 over the square root of the number of runs of the developer."""
    return [sum(other.developer == run.developer for other in runs) ** -0.5 for run in runs]


def fit_law(runs: Sequence[Published]) -> Law:
    """The weighted least squares fit of the logarithms."""
    import numpy as np

    scale = np.sqrt(weights_of(runs))
    matrix = np.array(
        [
            (1, math.log(run.parameters / REFERENCE_PARAMETERS), math.log(run.tokens / REFERENCE_TOKENS))
            for run in runs
        ]
    )
    target = np.array([math.log(run.batch_tokens) for run in runs])
    found = np.linalg.lstsq(matrix * scale[:, None], target * scale, rcond=None)[0]
    return Law(math.exp(found[0]), float(found[1]), float(found[2]))


def left_out_errors(runs: Sequence[Published]) -> list[float]:
    """Log errors of the law on each run, fitted without the run's developer."""
    laws = {
        developer: fit_law([run for run in runs if run.developer != developer])
        for developer in {run.developer for run in runs}
    }
    return [math.log(laws[run.developer].batch_tokens(run) / run.batch_tokens) for run in runs]


def fit_defaults() -> list[Fitted]:
    """Each default that is fitted."""
    runs = published(sealed=False)
    developers = len({run.developer for run in runs})
    law, weights = fit_law(runs), weights_of(runs)
    of = f"{len(runs)} pre-trainings of {developers} developers"
    squares = sum(w * error**2 for w, error in zip(weights, left_out_errors(runs), strict=True))
    factor = math.exp(NINETY * math.sqrt(squares / sum(weights)))
    ratios = [run.tokens / run.parameters for run in runs]
    low, high = (weighted_quantile(zip(ratios, weights, strict=True), end) for end in (0.05, 0.95))
    reference = law.reference_tokens
    return [
        (
            "batch_tokens", reference, reference / factor, reference * factor, "token",
            f"of a model of 1e9 parameters on 1e12 tokens; {of}, each developer left out in turn",
        ),
        ("batch_per_parameters", law.per_parameters, law.per_parameters, law.per_parameters, "1", of),
        ("batch_per_tokens", law.per_tokens, law.per_tokens, law.per_tokens, "1", of),
        (
            "tokens_per_parameter", OPTIMAL, min(low, OPTIMAL), max(high, OPTIMAL), "1",
            f"compute-optimal (Hoffmann et al. 2022, arXiv:2203.15556); the ends are those of {of}",
        ),
    ]  # fmt: skip


OPTIMAL = 20.0
"""Tokens per parameter of a compute-optimal training (Hoffmann et al. 2022, arXiv:2203.15556, table A3)."""


def render() -> str:
    """The fitted defaults as the text of their file."""
    head = (
        "Written by `python -m calibration --write`; never by hand.",
        "Fitted on the recipes in reference_data/models, sealed developers apart; ends bound 90 %.",
    )
    return text_of(head, fit_defaults(), "published-recipes", 4)
