"""A traced list against sizes worked out by hand, and against torch's own counter on real tensors."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from footprint.flops.operations import Matmul, Model  # noqa: E402
from footprint.flops.passes.methods import prepare  # noqa: E402
from footprint.flops.passes.totals import Totals, totals  # noqa: E402
from footprint.flops.trace.door import trace, trace_made  # noqa: E402
from footprint.schema import TrainingMethod  # noqa: E402
from tests.flops.trace.modules import (  # noqa: E402
    Checkpointed,
    Choice,
    Perceptron,
    Recurrence,
    Vision,
    perceptron,
    vision,
)


def sums(model: Model) -> Totals:
    return totals(*prepare(model, TrainingMethod()))


def products(model: Model) -> list[Matmul]:
    return [
        operation
        for stage in model.stages
        for layer in stage
        for operation in layer.operations
        if isinstance(operation, Matmul)
    ]


def test_a_perceptron_is_its_two_products() -> None:
    """6 x 8 x 16 and 6 x 16 x 4 multiply-adds; the first needs no gradient of its input."""
    model = trace_made(perceptron).model
    assert [(one.name, one.m, one.k, one.n, one.bias) for one in products(model)] == [
        ("first", 6, 8, 16, 16),
        ("second", 6, 16, 4, 4),
    ]
    first, second = 2 * 6 * 8 * 16, 2 * 6 * 16 * 4
    found = sums(model)
    assert (found.forward, found.backward) == (first + second, first + 2 * second)
    assert found.parameters.total == 8 * 16 + 16 + 16 * 4 + 4
    assert model.samples == 6


def test_forward_and_backward_are_those_that_torch_counts_on_real_tensors() -> None:
    module, images = vision()
    with FlopCounterMode(display=False) as forward:
        loss = module(images).sum()
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    core = 5 * 4 * 2 * (4 * 16 * 16 * 8) * 2
    """Attention that a processor fuses, which torch's counter leaves out: layers, images, products."""
    found = sums(trace(module, images).model)
    assert found.forward - core == forward.get_total_flops()
    assert found.backward - 2 * core == backward.get_total_flops()
    assert found.parameters.total == sum(one.numel() for one in module.parameters())


def test_equal_blocks_are_one_layer_with_many_positions() -> None:
    stages = trace_made(vision).model.stages
    assert [[len(layer.positions) for layer in stage] for stage in stages] == [[1], [5], [1]]
    assert [stage[0].checkpointed for stage in stages] == [False, True, False]


def test_a_module_stays_as_it_was() -> None:
    module = Vision()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    trace(module, torch.zeros(2, 3, 32, 32))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(one.grad is None for one in module.parameters())
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def test_frozen_parameters_are_frozen_in_the_list() -> None:
    module = Perceptron()
    module.first.requires_grad_(requires_grad=False)
    found = sums(trace(module, torch.zeros(6, 8)).model)
    assert found.backward == 2 * 6 * 16 * 4  # the second's weight; nothing upstream is trained
    assert found.parameters.trainable == 16 * 4 + 4


def test_the_ends_of_a_recurrence_get_the_gradients_that_torch_makes() -> None:
    """The first block reads a state of zeros, and nothing reads the last block's update."""
    module, x = Recurrence(), torch.zeros(2, 12, 8)
    with FlopCounterMode(display=False) as forward:
        loss = module(x).sum()
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    found = sums(trace(module, x).model)
    assert (found.forward, found.backward) == (forward.get_total_flops(), backward.get_total_flops())


def test_what_only_chooses_gets_no_gradient_and_a_triangular_system_is_a_product() -> None:
    """Scores: 10 x 8 a sample, forward only; mix: 2 x 8 x 6 twice; system: 2 x 2 x 6 three times."""
    found = sums(trace(Choice(), torch.zeros(3, 10, 8)).model)
    score, mix, system = 2 * 3 * 10 * 8, 2 * 3 * 2 * 8 * 6, 2 * 3 * 2 * 2 * 6
    assert (found.forward, found.backward) == (score + mix + system, mix + 2 * system)


def test_blocks_that_are_computed_again_have_all_their_gradients() -> None:
    images = torch.zeros(4, 3, 32, 32)
    plain, again = (sums(trace(module, images).model) for module in (Vision(), Checkpointed()))
    assert (again.forward, again.backward) == (plain.forward, plain.backward)


@pytest.mark.parametrize("samples", [1, 3, 64])
def test_another_batch_is_the_list_of_that_batch(samples: int) -> None:
    from footprint.flops import operation_list
    from footprint.flops.listing.written import as_config
    from footprint.schema import StepShape

    traced = trace_made(vision)
    config: dict[str, Any] = as_config(traced.model, traced.once, image_size=32)
    asked = sums(operation_list(config, StepShape(sequences=samples)))
    direct = sums(trace(Vision(), torch.zeros(samples, 3, 32, 32)).model)
    assert (asked.forward, asked.backward) == (direct.forward, direct.backward)
