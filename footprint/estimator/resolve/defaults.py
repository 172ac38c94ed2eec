"""Sizes of a training that nobody gave: batch, length, amount, rank of adapters, by published habits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from footprint import equations
from footprint.catalog.assumptions import Assumed, assumed
from footprint.estimator.workload import Choice, tokens_per_sequence
from footprint.flops import StepFlops
from footprint.flops.operations import ADAPTERS
from footprint.performance.layouts.shapes import divisors
from footprint.results import Assumption, chosen_row
from footprint.schema import ModelConfig, Phase, TrainingMethod
from footprint.vocabulary import ADAPTED

BATCH = "workload.batch"
LENGTH = "workload.sequence_length"
_FIRST_OF_ADAPTER = ".lora_A"


class Defaults:
    """The defaults of one model and method, and what of them was used.

    ``parameters`` counts the model's parameters, all and active ones, for the shape of a phase. ``fixed``
    holds values that replace those of defaults, by name.
    """

    def __init__(
        self,
        model: ModelConfig,
        method: str,
        parameters: Callable[[Phase], tuple[float, float]],
        fixed: Mapping[str, float],
    ) -> None:
        self.model, self.method = model, method
        self.choices: list[Choice] = []
        self.rows: list[Assumption] = []
        self.warnings: list[str] = []
        self._parameters = parameters
        self._fixed = fixed

    def sequence_length(self) -> int | None:
        """The usual length of a sequence of text [token], within the model's positions; None for others."""
        text = self.model.config.get("text_config") or self.model.config
        if not isinstance(text, Mapping) or "vocab_size" not in text:
            return None
        number = assumed(f"defaults.length_{'pretrain' if self.method == 'pretrain' else 'finetune'}")
        most = _positions(text)
        low, value, high = (min(end, most) for end in (number.low, number.value, number.high))
        return round(self._chosen(LENGTH, low, value, high, number, "token", "--seq-len"))

    def batch(self, phase: Phase, tokens: float | None) -> float | None:
        """The usual batch of a phase [sequences or samples]; None where it follows from unknown tokens.

        ``tokens`` is the whole amount.
        """
        length = tokens_per_sequence(phase)
        if self.method == "pretrain" and length and phase.image_size is None:
            if tokens is None:
                return None
            number = assumed("defaults_fitted.batch_tokens")
            ends = [
                equations.batch_tokens(
                    end,
                    self._parameters(phase)[0],
                    tokens,
                    assumed("defaults_fitted.batch_per_parameters").value,
                    assumed("defaults_fitted.batch_per_tokens").value,
                )
                / length
                for end in (number.low, number.value, number.high)
            ]
        else:
            kind = {"pretrain": "images", "finetune": "finetune"}.get(self.method, "lora")
            number = assumed(f"defaults.batch_{kind}")
            ends = [number.low, number.value, number.high]
        low, value, high = (_power_of_two(end) for end in ends)
        return self._chosen(BATCH, low, value, high, number, "", "--batch-size")

    def tokens(self, phase: Phase) -> float | None:
        """A compute-optimal amount for a catalogued model whose makers published none [token]."""
        if self.method != "pretrain" or not self.model.cite:
            return None
        number = assumed("defaults_fitted.tokens_per_parameter")
        amount = number.value * self._parameters(phase)[1]
        self.rows.append(
            Assumption(
                name="workload.tokens", value=amount, unit="token", basis=number.basis, source=number.source,
                option="--tokens",
            )
        )  # fmt: skip
        self.warnings.append(
            f"how much {self.model.id} was trained was never published: this is a compute-optimal training, "
            f"{number.value:g} tokens per parameter; published ones hold {number.low:.2g} to "
            f"{number.high:,.0f}; give `tokens=`"
        )
        return amount

    def example(self, phase: Phase) -> str:
        """An amount that one may begin with, as an argument."""
        from footprint.estimator.resolve.generic import short

        if self.method != "pretrain":  # the size of the model says nothing of the data it is tuned on
            return "`samples=10k`"
        number = assumed("defaults_fitted.tokens_per_parameter")
        return f"`tokens={short(float(f'{number.value * self._parameters(phase)[1]:.2g}'))}`"

    def _chosen(
        self, name: str, low: float, value: float, high: float, number: Assumed, unit: str, option: str
    ) -> float:
        """The value of a default, or what is fixed for it; noted once."""
        value = self._fixed.get(name, value)
        if all(choice.name != name for choice in self.choices):
            self.choices.append(Choice(name=name, value=value, low=low, high=high))
            self.rows.append(
                Assumption(
                    name=name,
                    value=round(value),
                    unit=unit,
                    basis=number.basis,
                    source=number.source,
                    option=option,
                )
            )
        return value


def even_batch(
    batch: float, most_replicas: int, dp: int | None = None, micro_batch: float | None = None
) -> float:
    """The batch next to ``batch`` that data-parallel replicas share evenly [sequences or samples].

    The replicas are ``dp`` where that is given. Otherwise they are the largest divisor of ``most_replicas``
    that leaves a sample for each and that other numbers of replicas divide: splits over tensor and pipeline
    ranks are powers of two. Each share is a multiple of a given micro-batch.
    """
    if not math.isfinite(batch):
        return batch
    odd = most_replicas // (most_replicas & -most_replicas)
    fed = [divisor for divisor in divisors(most_replicas) if divisor <= max(batch, 1.0)]
    replicas = dp or max(fed, key=lambda divisor: (divisor % odd == 0, divisor))
    unit = replicas * (micro_batch or 1)
    return float(unit * max(1, math.floor(batch / unit + 0.5)))


def _positions(config: Mapping[str, Any]) -> float:
    """The most positions that a config knows; infinite where it names none."""
    for name in ("max_position_embeddings", "n_positions", "max_sequence_length"):
        if isinstance(config.get(name), int) and config[name] > 0:
            return float(config[name])
    return math.inf


def _power_of_two(batch: float) -> float:
    """The power of two nearest to a batch, as published ones mostly are; at least 1."""
    return 2.0 ** max(0, round(math.log2(batch)))


def adapter_rank(given: int | None, method: str) -> tuple[int, tuple[Assumption, ...]]:
    """The rank of the adapters, and the row that says so where a method has adapters and nobody gave it."""
    rank = TrainingMethod().lora_rank if given is None else given
    if given is not None or method not in ADAPTED:
        return rank, ()
    why = "of the size that is usual: Hu et al. 2021, arXiv:2106.09685, table 6, try 1 to 64"
    return rank, (chosen_row("LoRA rank", rank, why, "--lora-rank"),)


def adapted_row(given: Sequence[str], step: StepFlops) -> tuple[Assumption, ...]:
    """The row that names the projections with adapters, where a step has some and nobody chose them."""
    if given or step.operations is None or step.training.method not in ADAPTED:
        return ()
    layers = (layer for stage in step.operations.stages for layer in stage)
    names = {
        one.name.removesuffix(_FIRST_OF_ADAPTER)
        for layer in layers
        for one in layer.operations
        if one.component == ADAPTERS and one.name.endswith(_FIRST_OF_ADAPTER)
    }
    why = "LoRA: those that are usual for the family, as queries and values in Hu et al. 2021"
    if step.training.method == "qlora":
        why = "QLoRA: every projection, as Dettmers et al. 2023, arXiv:2305.14314"
    return (chosen_row("projections with adapters", ", ".join(sorted(names)), why, "--lora-targets"),)
