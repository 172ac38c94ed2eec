"""What a known stack holds a parameter, and what of the activations it keeps, as constants.

Without a stack the memory is counted as before stacks were told apart: 16-bit weights with 32-bit
gradients, a master weight and two moments, and the share of the activations that fused kernels keep.
"""

from __future__ import annotations

from footprint.catalog.assumptions import assumed
from footprint.performance.roofline.constants import Constants
from footprint.performance.roofline.machine import SIXTEEN_BYTE
from footprint.performance.roofline.memory import ADAM_BYTE, WIDE_BYTE, sixteen_bit_states_byte

HOLDS = ("mixed", "reduced", "wide", "autocast", "sixteen")
"""``mixed``: 16-bit weights, 32-bit gradients, master weights in the optimiser (Megatron-LM, nanotron).
``reduced``: the same with 16-bit gradients (Megatron-Bridge's recipes reduce them in 16 bits).
``wide``: 32-bit weights and gradients, which FSDP casts when it gathers them.
``autocast``: the same, with 16-bit copies of the weights for the products.
``sixteen``: weights, gradients and moments in 16 bits."""
_MOVED = {
    "mixed": (6.0, 0.0), "reduced": (2.0, 0.0), "wide": (12.0, 12.0), "autocast": (12.0, 12.0),
    "sixteen": (0.0, 6.0),
}  # fmt: skip
"""Bytes a weight moves beside its products: in every micro-batch, and in every one after the first.

Megatron-LM's products add to the held gradient in place, which they read and write in its 32 (or 16) bits in
place of writing 16. PyTorch casts 32-bit weights (4 are read, 2 written) and their gradients (2 and 4), and
adds these to the gradient so far (8 and 4; 4 and 2 in 16 bits)."""
UNSAID_MOVED = tuple(sum(pair) / 2.0 for pair in zip(_MOVED["mixed"], _MOVED["autocast"], strict=True))
"""The same where the stack is unknown: half-way between a vendor's tuned one and PyTorch's own."""
KEEPS = ("fused", "compiled", "eager")
"""``fused``: a vendor's kernels. ``compiled``: torch.compile. ``eager``: PyTorch operation by operation."""
STAGES = ("even", "cost")
"""``even``: each stage of a pipeline has as many layers (Megatron-LM). ``cost``: the head counts as the
layers that have its parameters, so the other stages have more of them (nanotron)."""
LOSSES = ("parallel", "sharded", "whole", "chunked", "headed", "compiled", "plain", "freed")
"""``parallel``: Megatron-LM's cross entropy, in place. ``sharded``: the same on 32 bits, one operation of
PyTorch after the other (nanotron). ``whole``: PyTorch's on all logits, in 32 bits.
``chunked``: PyTorch's on some tokens at a time. ``headed``: the same with the head and its backward pass,
so that the logits of other tokens are not there. ``compiled``: PyTorch's under torch.compile. ``plain``:
PyTorch's on all logits in the precision they have. ``freed``: the same, in a loop that gives the logits
back before the backward pass."""
UNFUSED = ("whole", "sharded")
"""Losses whose operations each read and write the logits."""
_COPIES = ("compiled", "plain", "freed")
"""Losses that are counted in copies of the logits in their own precision."""


def is_known(constants: Constants) -> bool:
    """Whether these are the constants of a known stack or kind of stack."""
    return "stages_apart" in constants.values


def held_by(
    constants: Constants,
    holds: str,
    keeps: str,
    loss: str,
    stages: str = STAGES[0],
    rest_byte: float | None = None,
) -> dict[str, float]:
    """The constants that a stack of this kind replaces.

    ``rest_byte`` is what a number takes that is not quantised, weights and activations, in a stack that
    casts them beside quantised weights.
    """
    own = {"stages_apart": 1.0}
    own["held_byte"], own["added_byte"] = _MOVED[holds]
    states = constants["optimiser_state_byte"]
    if holds in ("wide", "autocast"):
        own["weight_byte"] = WIDE_BYTE
    if holds == "autocast":
        own["copy_byte"] = SIXTEEN_BYTE
    if holds == "reduced":
        own["gradient_byte"] = SIXTEEN_BYTE
    if holds == "sixteen":
        own |= {"gradient_byte": SIXTEEN_BYTE, "optimiser_state_byte": sixteen_bit_states_byte(constants)}
        own["holds_sixteen"] = 1.0
    if holds not in ("mixed", "reduced") and keeps != "fused" and states >= ADAM_BYTE:
        own["optimiser_copy_byte"] = SIXTEEN_BYTE if holds == "sixteen" else WIDE_BYTE
    if keeps != "fused":
        cast = keeps == "eager" and holds == "autocast"
        own["activation_kept"] = assumed(f"memory.kept_{'autocast' if cast else keeps}").value
        own |= {"activation_kept_narrow": 1.0, "whole_inputs": 1.0}
        if cast:
            own["score_copies"] = assumed("memory.score_copies_autocast").value
    if stages == "cost":
        own["stages_by_cost"] = 1.0
    return own | _of_the_loss(constants, loss, keeps, rest_byte)


def _of_the_loss(constants: Constants, loss: str, keeps: str, rest_byte: float | None) -> dict[str, float]:
    """What a loss of this kind replaces: the passes over the logits, and what is kept of them."""
    own = {"passes_logits": constants["passes_logits_whole"]} if loss in UNFUSED else {}
    if rest_byte is not None and "frozen_weight_byte" in constants.values:
        own["rest_byte"] = rest_byte
        loss = "plain" if loss == "whole" else loss
    if loss in _COPIES:
        own["logit_copies"] = assumed(f"memory.logit_copies_{loss}").value
    elif loss not in ("parallel", "sharded"):
        fused = "_compiled" if loss in ("chunked", "headed") and keeps == "compiled" else ""
        own["logit_byte"] = assumed(f"memory.logit_byte_{loss}{fused}").value
    return own
