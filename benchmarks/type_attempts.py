"""What torch counts of a type of transformers without a family, and whether the trace gives the same."""

from __future__ import annotations

import re
from typing import Any

from footprint.errors import FootprintError
from footprint.flops.torch.depth import DEPTH_KEYS, LISTED
from footprint.flops.torch.torch_counter import TorchCount
from footprint.schema import StepShape

TOKENS, TARGETS, WAVE = 64, 32, 16_000
"""Lengths of the inputs: tokens, target tokens, samples of sound."""


def attempt(model_type: str) -> dict[str, Any]:
    """The count of torch for a type: its FLOP, or the reason why it cannot be counted."""
    import transformers

    from footprint.flops.torch.whole import whole_count

    defaults = transformers.AutoConfig.for_model(model_type).to_dict()
    target = TARGETS if defaults.get("is_encoder_decoder") else None
    names = next((g for g in DEPTH_KEYS if any(type(defaults.get(n)) is int for n in g)), ())
    cut = {n: 2 for n in names if type(defaults.get(n)) is int and defaults[n] > 2}
    if "prediction_length" in defaults and defaults["prediction_length"] is None:
        cut["prediction_length"] = 24  # no default config of a series says how far it looks
    if any(isinstance(defaults.get(name), list) for name in LISTED):
        cut = {}
    tries = [(cut, TOKENS)]
    reason = ""
    for changes, length in tries:
        shape = StepShape(sequences=1, sequence_length=length, target_sequence_length=target)
        try:
            counted = whole_count({"model_type": model_type, **changes}, shape, "")
        except FootprintError as error:
            reason = reason or str(error)
            if len(tries) == 1 and cut and re.search("layer|index|KeyError", reason):
                tries.append(({}, TOKENS))  # two layers may not be enough
            if len(tries) == 1 and "size" in reason:
                tries.append((cut, WAVE))  # 64 samples of sound are too few
        else:
            return {
                "forward_flop": counted.forward_flop,
                "traced": trace_of(model_type, changes, shape, counted),
            }
    return {"reason": reason}


def trace_of(model_type: str, changes: dict[str, Any], shape: StepShape, counted: TorchCount) -> str:
    """What the trace makes of the same step: equal, near, unequal, or the reason why it has no list."""
    from footprint.flops.passes.methods import prepare
    from footprint.flops.passes.totals import totals
    from footprint.flops.torch.traced import agrees, traced_type, way_of
    from footprint.schema import TrainingMethod

    try:
        traced = traced_type({"model_type": model_type, **changes}, shape, "", way_of(model_type))
    except FootprintError as error:
        return str(error)
    sums = totals(*prepare(traced.model, TrainingMethod()))
    ours, theirs = (sums.dense_forward, sums.dense_backward), (counted.forward_flop, counted.backward_flop)
    if traced.parameters != counted.parameters or not all(map(agrees, ours, theirs)):
        return "unequal"
    return "equal" if ours == theirs else "near"
