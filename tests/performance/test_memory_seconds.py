"""What torch holds of blocks that are computed again: every second product, and one block beside logits."""

from __future__ import annotations

from typing import Any

import pytest

from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.memory import activation_byte
from footprint.schema import TrainingMethod
from tests.performance.alive import Alive
from tests.performance.test_memory import machine, work

torch = pytest.importorskip("torch")
checkpoints = pytest.importorskip("torch.utils.checkpoint")
functional = torch.nn.functional
TOKENS, WIDTH, HEADS, GROUPS, HIDDEN, EXPERTS = 256, 128, 4, 2, 320, 4
LLAMA = {
    "model_type": "llama", "hidden_size": WIDTH, "intermediate_size": HIDDEN, "num_attention_heads": HEADS,
    "num_key_value_heads": GROUPS, "vocab_size": 1000, "num_hidden_layers": 2,
}  # fmt: skip
MIXTRAL = {**LLAMA, "model_type": "mixtral", "num_local_experts": EXPERTS, "num_experts_per_tok": 2}
FLASH = TrainingMethod(attention="flash")


class Attention(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        shared = WIDTH // HEADS * GROUPS
        self.query, self.key, self.value, self.output = (
            torch.nn.Linear(WIDTH, size, bias=False, dtype=torch.bfloat16)
            for size in (WIDTH, shared, shared, WIDTH)
        )

    def forward(self, inputs: Any) -> Any:
        query, key, value = (
            made(inputs).view(1, TOKENS, heads, -1).transpose(1, 2)
            for made, heads in ((self.query, HEADS), (self.key, GROUPS), (self.value, GROUPS))
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
        return self.output(mixed.transpose(1, 2).reshape(TOKENS, WIDTH))


class Block(torch.nn.Module):
    """A block of Llama, written as torchtitan writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.gate, self.up = (
            torch.nn.Linear(WIDTH, HIDDEN, bias=False, dtype=torch.bfloat16) for _ in range(2)
        )
        self.down = torch.nn.Linear(HIDDEN, WIDTH, bias=False, dtype=torch.bfloat16)

    def forward(self, inputs: Any) -> Any:
        inputs = inputs + self.attention(functional.rms_norm(inputs, (WIDTH,)))
        rows = functional.rms_norm(inputs, (WIDTH,))
        return inputs + self.down(functional.silu(self.gate(rows)) * self.up(rows))


def kept_elements(block: Any) -> float:
    """16-bit elements that a block holds after its forward pass by torchtitan's policy, its result apart."""
    products = 0

    def policy(context: Any, called: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal products
        is_product = called == torch.ops.aten.mm.default
        products += is_product and not context.is_recompute
        is_kept = "scaled_dot_product" in called.name() or (is_product and products % 2)
        kinds = checkpoints.CheckpointPolicy
        return kinds.MUST_SAVE if is_kept and not context.is_recompute else kinds.PREFER_RECOMPUTE

    def contexts() -> Any:
        return checkpoints.create_selective_checkpoint_contexts(policy)

    owned = {parameter.untyped_storage()._cdata for parameter in block.parameters()}
    with Alive(torch.bfloat16) as alive:
        inputs = torch.randn(TOKENS, WIDTH, dtype=torch.bfloat16).requires_grad_()
        result = checkpoints.checkpoint(block, inputs, use_reentrant=False, context_fn=contexts)
        held = sum(byte for storage, byte in alive.byte.items() if storage not in owned)
    return held / 2 - result.numel()


def test_a_block_keeps_what_torch_keeps_under_the_policy_of_torchtitan() -> None:
    assert work(LLAMA, FLASH, sequence_length=TOKENS).seconds_kept / 2 == kept_elements(Block())


def test_experts_are_computed_again() -> None:
    """``_grouped_mm`` is on no list of torchtitan's: of a block with experts, attention alone is kept."""
    shared = WIDTH // HEADS * GROUPS
    every = work(MIXTRAL, FLASH, sequence_length=TOKENS)
    # the input, queries, values and the result of attention
    assert every.seconds_kept == 2 * TOKENS * (3 * WIDTH + shared)
    again = WIDTH * (shared + WIDTH) + 2 * 3 * WIDTH * HIDDEN + WIDTH * EXPERTS
    assert every.seconds_share == pytest.approx(again / (again + WIDTH * (WIDTH + shared)), rel=1e-12)


def test_memory_lies_between_that_of_everything_and_of_whole_blocks() -> None:
    model = work(LLAMA, FLASH, sequence_length=TOKENS)
    job = machine(every_second=1.0, activation_kept=1.0)

    def needed(share: float) -> float:
        layout = Layout(recompute="full" if share else "none", recomputed=share)
        return float(activation_byte(model, layout, job))

    none, seconds, full = needed(0.0), needed(model.seconds_share), needed(1.0)
    # The logits are more than what a block computes again, so that only what is kept differs.
    assert model.stored_block / 2 < 3 * model.logits
    assert none - seconds == pytest.approx(2 * (model.stored_block - model.seconds_kept), rel=1e-12)
    assert seconds - full == pytest.approx(2 * (model.seconds_kept - model.boundary), rel=1e-12)
    shares = 0.0, 0.5 * model.seconds_share, model.seconds_share, 0.9, 1.0
    assert sorted(map(needed, shares), reverse=True) == [needed(share) for share in shares]


def peak_byte(vocabulary: int) -> int:
    """Bytes alive at the peak of a step of two blocks that are computed again, without trained weights."""
    blocks = torch.nn.ModuleList([Block(), Block()]).requires_grad_(False)
    head = torch.randn(vocabulary, WIDTH, dtype=torch.bfloat16)
    labels = torch.zeros(TOKENS, dtype=torch.long)
    with Alive() as alive:
        rows = inputs = torch.randn(TOKENS, WIDTH, dtype=torch.bfloat16).requires_grad_()
        for block in blocks:
            rows = checkpoints.checkpoint(block, rows, use_reentrant=False)
        loss = functional.cross_entropy(functional.linear(rows, head).float(), labels)
        loss.backward()
    assert inputs.grad is not None
    return int(alive.peak)


def test_the_logits_are_gone_when_a_block_is_computed_again() -> None:
    """The larger of the two makes the peak, not their sum; the head's weights are there all the time."""
    weights, logits = WIDTH * 2, TOKENS * 12  # bytes of a word; 14 for who keeps the 16-bit logits
    assert 400 * logits > 0.5 * peak_byte(8)
    assert peak_byte(400) - peak_byte(8) == 392 * weights
    assert peak_byte(1600) - peak_byte(800) == pytest.approx(800 * (weights + logits), rel=0.01)
