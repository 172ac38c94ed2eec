"""What torch holds at the peak of a loss, beside our count of it; published savings of 4-bit products."""

from __future__ import annotations

from typing import Any

import pytest

from footprint.catalog.assumptions import assumed
from footprint.catalog.stacks import find_stack
from footprint.performance.roofline.constants import memory_constants
from footprint.performance.roofline.holding import held_by
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.memory import activation_byte, memory, parameter_bytes
from footprint.performance.stacks import software_of
from footprint.schema import TrainingMethod
from footprint.validation.cases import shapes
from tests.performance.alive import Alive
from tests.performance.test_memory import SMALL, machine, work

torch = pytest.importorskip("torch")
functional = torch.nn.functional
TOKENS, VOCABULARY, WIDTH = 512, 2000, 4
QLORA = TrainingMethod(method="qlora", lora_rank=8, attention="flash")


def held_at_the_peak(step: Any) -> float:
    """Bytes a logit of the storages that are alive at the peak of a step, forward and backward."""
    rows = torch.randn(1, TOKENS, WIDTH, dtype=torch.bfloat16, requires_grad=True)
    head = torch.randn(VOCABULARY, WIDTH, dtype=torch.bfloat16)
    labels = torch.randint(0, VOCABULARY, (1, TOKENS))
    with Alive() as alive:
        loss, held = step(rows, head, labels)
        if loss.requires_grad:
            loss.backward()
        del held
    return alive.peak / (TOKENS * VOCABULARY)


def whole(rows: Any, head: Any, labels: Any) -> Any:
    """Transformers: all logits in 32 bits."""
    logits = functional.linear(rows, head)
    wide = logits.float()
    return functional.cross_entropy(wide.view(-1, VOCABULARY), labels.view(-1)), logits


def plain(rows: Any, head: Any, labels: Any) -> Any:
    """A loop of one's own: the logits as they are, shifted by one token."""
    logits = functional.linear(rows, head)
    shifted = logits[:, :-1, :].reshape(-1, VOCABULARY)
    return functional.cross_entropy(shifted, labels[:, 1:].reshape(-1)), logits


def freed(rows: Any, head: Any, labels: Any) -> Any:
    return plain(rows, head, labels)[0], None


def parts(count: int, *, converted: bool) -> Any:
    """A part of the tokens at a time; ``converted``: all parts are cast before the first loss."""

    def step(rows: Any, head: Any, labels: Any) -> Any:
        logits = [functional.linear(part, head) for part in rows.chunk(count, dim=1)]
        if converted:
            logits = [part.float() for part in logits]
        pairs = zip(logits, labels.chunk(count, dim=1), strict=True)
        losses = [
            functional.cross_entropy(one.float().view(-1, VOCABULARY), few.reshape(-1)) for one, few in pairs
        ]
        return sum(losses), logits

    return step


def headed(rows: Any, head: Any, labels: Any) -> Any:
    """torchtitan's since 2026: head, loss and their backward pass for an eighth of the tokens at a time."""
    total = torch.zeros(())
    for part, few in zip(rows.detach().chunk(8, dim=1), labels.chunk(8, dim=1), strict=True):
        logits = functional.linear(part.requires_grad_(), head)
        loss = functional.cross_entropy(logits.float().view(-1, VOCABULARY), few.reshape(-1))
        loss.backward()
        total = total + loss.detach()
        del logits, loss
    return total, None


def test_losses_with_the_head_take_the_assumed_bytes() -> None:
    assert held_at_the_peak(headed) == pytest.approx(assumed("memory.logit_byte_headed").value, rel=0.02)


def test_the_whole_loss_takes_the_assumed_bytes() -> None:
    assert held_at_the_peak(whole) == pytest.approx(assumed("memory.logit_byte_whole").value, rel=0.02)


@pytest.mark.parametrize(("kind", "step"), [("plain", plain), ("freed", freed)])
def test_losses_in_their_own_precision_take_the_assumed_copies(kind: str, step: Any) -> None:
    copies = assumed(f"memory.logit_copies_{kind}").value
    assert held_at_the_peak(step) == pytest.approx(2 * copies, rel=0.02)


@pytest.mark.parametrize(("count", "converted"), [(8, False), (8, True), (4, True)])
def test_losses_of_parts_are_within_the_assumed_ends(count: int, converted: bool) -> None:
    loss = assumed("memory.logit_byte_chunked")
    assert loss.low < held_at_the_peak(parts(count, converted=converted)) <= 1.01 * loss.high


def test_inputs_of_4_bit_products_are_those_of_the_changelog() -> None:
    """bitsandbytes 0.43.2 (July 2024): 10.1 GB less for one sequence of 1,024 tokens of a 70B model.

    Ours are the inputs of four products, each once; the changelog's are an eighth of the width more. Its
    39 GB of a 405B model are half as much again as the inputs of its products.
    """
    few = TrainingMethod(
        method="qlora", lora_rank=8, lora_targets=("q_proj", "v_proj"), lora_dropout="each", attention="flash"
    )
    model = work(shapes()["llama3-70b"]["config"], few, sequence_length=1024)
    own = held_by(memory_constants("adam", "qlora"), "sixteen", "eager", "plain")
    kept, now = (
        float(activation_byte(model, Layout(), machine(year, method="qlora", **own))) for year in (2024, 2025)
    )
    assert (kept - now) / 1e9 == pytest.approx(10.1, rel=0.15)


def test_what_peft_casts_beside_4_bit_weights_takes_32_bits() -> None:
    """With a stack that casts the rest, a step needs what the same step in 32 bits does."""
    model = work(SMALL, QLORA, sequence_length=64)
    typical = memory_constants("adamw", "qlora")
    cast = software_of("hf-peft", None).constants(typical)
    wide = typical.but(**held_by(typical, "sixteen", "eager", "plain"))
    layout = Layout(recompute="full")
    one, two = (
        float(memory(model, layout, _with(precision, constants)).activations_byte)
        for precision, constants in (("bf16", cast), ("fp32", wide))
    )
    assert one == pytest.approx(two, rel=1e-12)
    assert one > 1.5 * float(
        memory(model, layout, _with("bf16", typical.but(**held_by(typical, "sixteen", "eager", "plain"))))
        .activations_byte
    )  # fmt: skip


def _with(precision: str, constants: Any) -> Machine:
    given = machine(method="qlora")
    return Machine(given.cluster, precision, given.year, constants)


@pytest.mark.parametrize("name", ["deepspeed", "megatron-bridge"])
def test_stacks_with_16_bit_gradients_hold_the_bytes_of_the_zero_paper(name: str) -> None:
    typical = memory_constants("adamw", "pretrain")
    byte = parameter_bytes("bf16", software_of(name, None).constants(typical))
    assert (byte.weight, byte.gradient, byte.optimiser) == (2.0, 2.0, 12.0)
    assert find_stack(name).holds == "reduced"
