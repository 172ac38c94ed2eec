"""A model of which only a size is known: a decoder of usual shape in its place, and how far it may be off.

The rules of the shape and the spreads are in ``reference_data/assumptions/generic_fitted.toml``, which
`calibration.generic` derives from the catalogue's models.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from footprint.arithmetic import power
from footprint.catalog.assumptions import Assumed, assumed
from footprint.catalog.version import DATA_YEAR
from footprint.errors import MissingFactError
from footprint.estimator.request import EstimateRequest
from footprint.estimator.workload import Workload
from footprint.flops import count_step
from footprint.flops.registry import GENERIC
from footprint.performance.step_facts import StepFacts
from footprint.records import record, replace
from footprint.results import Assumption, Quantity, chosen_row
from footprint.schema import ModelConfig, Phase, StepShape

CAUSE = "generic_model"
LANES = 64
"""Widths are multiples of this many columns, as nearly all published ones are."""
FLOP_PER_PARAMETER = 6.0
"""Training FLOP of one token for each parameter that it meets (Kaplan et al. 2020, arXiv:2001.08361)."""
LEAST = 1000.0
"""Parameters of the smallest decoder that is made."""
LENGTH = 2048
"""Tokens of a sequence where none is given: only the size of the decoder depends on it."""
SAMPLES = 256
"""Samples of a step where only FLOPs are known; the answer does not depend on it."""


@record
class Generic:
    """The model that stands for a size, and factors that say how far it may be off."""

    model: ModelConfig
    time: Quantity
    """On the time of a step."""
    flop: Quantity
    """On its FLOPs."""
    rows: tuple[Assumption, ...]

    def spread_over(self, step: StepFacts) -> StepFacts:
        """The facts of a step with how far its time may be off."""
        # Without a list of operations the spread is that of a typical MFU, which a longer time makes lower.
        factor = self.time if step.work is not None else 1.0 / self.time
        return replace(step, spread=step.spread * factor)


def generic_of(request: EstimateRequest) -> Generic:
    """The model that stands for the size that the request gives."""
    exact = Quantity(1.0)
    if request.flop_per_sample is not None:
        model = _model(
            f"model, {short(request.flop_per_sample)} FLOP a sample",
            {"flop_per_sample": request.flop_per_sample},
        )
        time = assumed("generic_fitted.time_of_sample")
        rows = (_shape_row(None), time.row("--model"))
        return Generic(model=model, time=_spread(time), flop=exact, rows=rows)
    if request.flop_per_token is not None:
        shape = decoder_of_flop(request.flop_per_token, request.seq_len or LENGTH)
        config = {"text_config": shape, "flop_per_token": request.flop_per_token}
        name = f"decoder, {short(request.flop_per_token)} FLOP a token"
        time, flop = assumed("generic_fitted.time_of_flop"), exact
    else:
        total, active = request.parameters or LEAST, request.active_parameters
        shape = decoder_of(total, active)
        config = {"text_config": shape, "active_parameters": active or total}
        name = f"decoder, {short(total)} parameters" + (f", {short(active)} active" if active else "")
        kind = "experts" if "num_local_experts" in shape else "dense"
        time, flop = assumed(f"generic_fitted.time_{kind}"), _spread(assumed(f"generic_fitted.flop_{kind}"))
    model = _model(name, config, request.parameters)
    rows = (_shape_row(shape), time.row("--model"))
    return Generic(model=model, time=_spread(time), flop=flop, rows=rows)


def _model(name: str, config: dict[str, Any], parameters: float | None = None) -> ModelConfig:
    name = f"{GENERIC} {name}"
    config = {"model_type": GENERIC, **config}
    return ModelConfig(id=name, name=name, year=DATA_YEAR, config=config, parameters=parameters)


def _spread(number: Assumed) -> Quantity:
    return Quantity.between(number.low, number.value, number.high, CAUSE)


def decoder_of(parameters: float, active: float | None = None) -> dict[str, Any]:
    """The config of a decoder of so many parameters, with experts where a token meets only some of them.

    Depth by a power law of the parameters that a token meets, width from 12 x depth x width^2 (attention
    and a feed-forward four times as wide: Kaplan et al. 2020, arXiv:2001.08361), a vocabulary of the usual
    size that takes half of them at most; the feed-forward takes what is left.
    """
    met = active or parameters
    depth = assumed("generic_fitted.depth").value * power(met, assumed("generic_fitted.depth_exponent").value)
    layers = max(1, round(depth))
    width = _whole(math.sqrt(met / (12 * layers)))
    words = int(max(2, min(assumed("generic_fitted.vocabulary").value, met / 2 / width)))
    heads = width // 128 if width >= 1024 else max(1, width // LANES)
    while width % heads:
        heads -= 1
    projections = 4 * width * width
    inner = max(1.0, ((met - words * width) / layers - projections) / (3 * width))
    config: dict[str, Any] = {
        "model_type": "llama", "hidden_size": width, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": heads, "vocab_size": words,
        "tie_word_embeddings": True,
    }  # fmt: skip
    chosen = 2 if parameters / met < 6 else 8
    expert = _whole(inner / chosen)
    rest = parameters - words * width - layers * projections
    experts = round(rest / (3 * width * expert * layers))
    if active is None or experts <= chosen:
        return config | {"intermediate_size": _whole(inner)}
    experts = min(experts if experts < 8 else 8 * round(experts / 8), 4096)
    return config | {
        "model_type": "mixtral", "intermediate_size": expert, "num_local_experts": experts,
        "num_experts_per_tok": chosen,
    }  # fmt: skip


def decoder_of_flop(flop_per_token: float, length: int) -> dict[str, Any]:
    """The config of a decoder that takes about so many FLOP a token of sequences of this length."""
    parameters = flop_per_token / FLOP_PER_PARAMETER
    shape = StepShape(sequences=1, sequence_length=length)
    for _ in range(4):  # attention adds FLOPs to those of the parameters; each round scales these down
        found = decoder_of(parameters)
        counted = float(count_step(found, shape).training_flop) / length
        parameters = max(LEAST, parameters * flop_per_token / counted)
    return decoder_of(parameters)


def short(count: float) -> str:
    """A count as people write it, to its last digit: ``1.5B``."""
    for factor, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if factor <= count < 1000 * factor:
            return f"{count / factor:.12g}{suffix}"
    return f"{count:.12g}"


def _whole(size: float) -> int:
    """A dimension: a multiple of the lanes where it is large enough."""
    return LANES * round(size / LANES) if size >= LANES else max(1, round(size))


def _shape_row(shape: Mapping[str, Any] | None) -> Assumption:
    """The row that says what stands in the place of the model."""
    if shape is None:
        value, source = "FLOPs at a typical MFU; memory is not known", "published-throughput"
    else:
        experts = f", {shape['num_local_experts']} experts" if "num_local_experts" in shape else ""
        value = (
            f"{shape['num_hidden_layers']} layers of width {shape['hidden_size']}{experts}, "
            f"{shape['vocab_size']} words"
        )
        source = assumed("generic_fitted.depth").source
    return chosen_row("generic model", value, source, "--model")


def samples_workload(request: EstimateRequest, count: int) -> Workload:
    """The steps of samples of which only the FLOPs are known."""
    batch = float(request.batch_size or max(SAMPLES, count))
    steps = request.steps
    if steps is None:
        if request.samples is None:
            raise MissingFactError("the number of samples is not known: give `samples=` or `steps=`")
        steps = request.samples * (request.epochs or 1.0) / batch
    return Workload(
        phases=(Phase(steps=steps, sequences_per_step=batch),),
        method=request.method or "pretrain",
        objective="",
    )
