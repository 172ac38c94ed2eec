"""Work of which only a size is known: FLOPs that were given, with a decoder's shape where there is one.

The config of such a model has the ``model_type`` ``generic`` and, in ``text_config``, the config of the
decoder that stands for it; ``flop_per_token`` or ``flop_per_sample`` where that was given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from footprint.flops.passes.totals import Parameters
from footprint.flops.registry import GENERIC
from footprint.flops.step import StepFlops, checked
from footprint.records import replace
from footprint.schema import StepShape, TrainingMethod

FLOP_FIELDS = (
    "forward_flop", "backward_flop", "training_flop", "training_flop_causal", "hardware_flop",
)  # fmt: skip


def count_generic(
    config: Mapping[str, Any],
    shape: StepShape,
    training: TrainingMethod,
    objective: str,
    count: Callable[[Mapping[str, Any], StepShape, TrainingMethod, str], StepFlops],
) -> StepFlops:
    """FLOP of one step: those of the decoder's shape, or those that were given [FLOP].

    ``count`` is what counts the decoder.
    """
    if "text_config" not in config:
        return _without_shape(config["flop_per_sample"], checked(shape), training)
    step = count(config["text_config"], shape, training, objective)
    if "flop_per_token" not in config:
        return replace(step, family=GENERIC)
    given = config["flop_per_token"] * float(step.tokens or 0)
    ratio = given / float(step.training_flop)
    return replace(
        step,
        family=GENERIC,
        components={name: flop * ratio for name, flop in step.components.items()},
        **{name: getattr(step, name) * ratio for name in FLOP_FIELDS},
    )


def _without_shape(flop_per_sample: float, shape: StepShape, training: TrainingMethod) -> StepFlops:
    """Samples of so many FLOP: no parameters, no operations; the backward pass is twice the forward one."""
    flop = flop_per_sample * shape.sequences
    return StepFlops(
        family=GENERIC,
        parameters=Parameters(total=0, active=0, trainable=0, non_embedding=0),
        tokens=None, source_tokens=None, target_tokens=None,
        samples=shape.sequences,
        forward_flop=flop / 3, backward_flop=2 * flop / 3, training_flop=flop, training_flop_causal=flop,
        hardware_flop=flop, components={"given": flop}, basis="formula", training=training, shape=shape,
    )  # fmt: skip
