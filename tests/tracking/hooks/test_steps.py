"""What counts as a step and as a sample, on torch's real optimisers and modules in this process."""

from __future__ import annotations

import copy
import io
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules import module as modules_of_torch

from footprint.tracking.hooks import program
from footprint.tracking.hooks.modules import outermost
from footprint.tracking.hooks.program import Program
from tests.tracking.hooks.counted import Counted


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    """The hooks of a program whose first optimiser step comes next."""
    counted = Counted()
    monkeypatch.setattr(program, "counting_run", lambda _: counted)
    monkeypatch.delenv("FOOTPRINT_HOOKS_TRACE", raising=False)
    one = counted.program = Program()
    yield counted
    one.stop()
    assert not modules_of_torch._global_forward_pre_hooks
    assert not sys.modules["torch.optim.optimizer"]._global_optimizer_post_hooks
    assert "__call__" not in nn.Sequential.__dict__


def net(width: int = 4) -> nn.Module:
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))


def train(module: nn.Module, optimizer: Any, batch: int, parts: int = 1) -> None:
    optimizer.zero_grad()
    for _ in range(parts):
        module(torch.ones(batch, 4)).sum().backward()
    optimizer.step()


def test_a_step_and_its_samples(counted: Counted) -> None:
    one = net()
    optimizer = torch.optim.SGD(one.parameters())
    for _ in range(5):
        train(one, optimizer, 6)
    # what the first two held was not seen: they are taken to be like the third
    assert counted.steps == [(0, 0), (0, 0), (18, 0), (6, 0), (6, 0)]


def test_gradients_that_are_accumulated_are_one_step(counted: Counted) -> None:
    one = net()
    optimizer = torch.optim.SGD(one.parameters())
    for _ in range(4):
        train(one, optimizer, 6, parts=3)
    assert (len(counted.steps), counted.samples) == (4, 4 * 18)


def test_several_optimisers_in_one_iteration_are_one_step(counted: Counted) -> None:
    one = net()
    head = torch.optim.SGD(one[2].parameters())
    rest = torch.optim.Adam(one[0].parameters())
    for _ in range(5):
        one(torch.ones(3, 4)).sum().backward()
        head.step()
        rest.step()
    assert (len(counted.steps), counted.samples) == (5, 15)


def test_an_optimiser_for_each_weight_is_one_step(counted: Counted) -> None:
    one = net()
    each = [torch.optim.SGD([weight]) for weight in one.parameters()]
    for _ in range(6):
        one(torch.ones(3, 4)).sum().backward()
        for optimizer in each:
            optimizer.step()
    assert (len(counted.steps), counted.samples) == (6, 18)


def test_a_library_that_steps_once_a_group_makes_one_step(counted: Counted) -> None:
    one = net()
    optimizer = torch.optim.SGD(one.parameters())
    for _ in range(2):
        train(one, optimizer, 3)
    for _ in range(10):
        train(one, optimizer, 3)
        optimizer.step()
    assert (len(counted.steps), counted.samples) == (12, 36)


def test_a_closure_counts_each_pass_over_the_batch(counted: Counted) -> None:
    one, passes = net(), []
    optimizer = torch.optim.LBFGS(one.parameters(), max_iter=4)

    def closure() -> torch.Tensor:
        passes.append(1)
        optimizer.zero_grad()
        loss = (one(torch.ones(5, 4)) - 1).square().sum()
        loss.backward()
        return loss

    for _ in range(2):
        optimizer.step(closure)
    before = len(passes)
    for _ in range(3):
        optimizer.step(closure)
    assert len(counted.steps) == 5
    third = counted.steps[2][0] // 3
    assert third + counted.steps[3][0] + counted.steps[4][0] == 5 * (len(passes) - before)


def test_a_step_that_a_scaler_skips_is_none_and_its_samples_count(counted: Counted) -> None:
    one = net()
    optimizer = torch.optim.SGD(one.parameters())
    scaler = torch.amp.GradScaler("cpu")
    for number in range(8):
        optimizer.zero_grad()
        loss = one(torch.ones(2, 4)).sum()
        scaler.scale(loss * float("inf") if number == 5 else loss).backward()
        scaler.step(optimizer)
        scaler.update()
    assert (len(counted.steps), counted.samples) == (7, 16)


def test_evaluation_in_between_counts_nothing(counted: Counted) -> None:
    one = net()
    optimizer = torch.optim.SGD(one.parameters())
    for _ in range(6):
        train(one, optimizer, 2)
        one.eval()
        with torch.no_grad():
            one(torch.ones(100, 4))
        one.train()
    assert counted.samples == 12


def test_a_module_that_is_trained_in_eval_mode_counts(counted: Counted) -> None:
    one = net().eval()
    optimizer = torch.optim.SGD(one.parameters())
    for _ in range(4):
        train(one, optimizer, 2)
    assert counted.samples == 8


def test_a_module_that_is_trained_after_another_is_found(counted: Counted) -> None:
    first, second = net(), net()
    for one in (first, second):
        optimizer = torch.optim.SGD(one.parameters())
        for _ in range(30):
            train(one, optimizer, 2)
    assert 50 <= len(counted.steps) <= 60
    assert 100 <= counted.samples <= 120


def test_a_small_critic_and_a_frozen_teacher_are_said(counted: Counted) -> None:
    one, critic, teacher = net(32), nn.Linear(32, 2), net(64).requires_grad_(False)
    optimizer = torch.optim.SGD([*one.parameters(), *critic.parameters()])
    for _ in range(4):
        with torch.no_grad():
            teacher(torch.ones(3, 64))
        critic(one(torch.ones(3, 32))).sum().backward()
        optimizer.step()
    said = "hooks: only Sequential is counted: the step calls Linear, Sequential beside it"
    assert (counted.samples, counted.faults) == (12, [said])


def test_two_modules_of_one_step_are_told_apart_and_said_once(counted: Counted) -> None:
    one, other = net(), net()
    optimizer = torch.optim.SGD([*one.parameters(), *other.parameters()])
    for _ in range(5):
        (one(torch.ones(2, 4)) + other(torch.ones(2, 4))).sum().backward()
        optimizer.step()
    assert (len(counted.steps), counted.samples) == (5, 0)
    assert len(counted.faults) == 1
    assert "calls 2 modules apart" in counted.faults[0]


def test_a_compiled_module_is_counted_and_not_looked_into(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = net()
    monkeypatch.setattr(counted.program._watch, "_traces", True)
    whole = torch.compile(one, backend="eager")
    optimizer = torch.optim.SGD(one.parameters())
    for _ in range(4):
        train(whole, optimizer, 2)
    assert (len(counted.steps), counted.samples) == (4, 8)
    assert torch._dynamo.utils.counters["frames"]["total"] == 1  # compiled once, as without us
    assert counted.faults == ["hooks: OptimizedModule is not traced: it is compiled"]
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()


class Strange(nn.Sequential):
    broken = False

    def modules(self) -> Any:
        if self.broken:
            raise RuntimeError("no modules today")
        return super().modules()


def test_what_fails_in_us_is_said_once_and_steps_are_counted_on(counted: Counted) -> None:
    one = Strange(nn.Linear(4, 4))
    optimizer = torch.optim.SGD(one.parameters())
    one.broken = True
    for _ in range(5):
        train(one, optimizer, 2)
    assert len(counted.steps) == 5
    assert counted.faults == ["hooks: the module is not watched: RuntimeError: no modules today"]


def test_a_run_that_fails_ends_the_counting_and_is_said_once(counted: Counted) -> None:
    one = net()
    optimizer = torch.optim.SGD(one.parameters())
    train(one, optimizer, 2)
    counted.step = lambda **_: 1 / 0  # type: ignore[method-assign]
    for _ in range(5):
        train(one, optimizer, 2)
    assert len(counted.steps) == 1
    assert counted.faults == ["hooks: the counting ended: ZeroDivisionError: division by zero"]


def test_a_model_is_saved_and_copied_as_without_us(counted: Counted) -> None:
    one = net()
    optimizer = torch.optim.SGD(one.parameters())
    for _ in range(4):
        train(one, optimizer, 2)
    file = io.BytesIO()
    torch.save(one, file)
    assert b"footprint" not in file.getvalue()
    copied = copy.deepcopy(one)
    before = counted.samples
    copied(torch.ones(50, 4))
    train(one, optimizer, 2)
    assert counted.samples == before + 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated, and must work as long as it is there
        torch.jit.script(one)


@pytest.mark.parametrize(
    ("call", "samples", "tokens"),
    [
        (lambda one: one(torch.ones(3, 5, dtype=torch.int64)), 3, 15),
        (lambda one: one(input_ids=torch.ones(3, 5, dtype=torch.int64), mask=torch.ones(3, 5)), 3, 15),
        (lambda one: one({"pixels": torch.ones(7, 3, 2, 2), "labels": torch.ones(7)}), 7, 0),
        (lambda one: one([torch.ones(4, 2), torch.ones(4)]), 4, 0),
    ],
)
def test_where_a_batch_stands_in_a_call(
    counted: Counted, call: Callable[[Any], Any], samples: int, tokens: int
) -> None:
    class Any_(nn.Module):  # noqa: N801
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, *args: Any, **kwargs: Any) -> torch.Tensor:
            return self.weight.sum()

    one = Any_()
    optimizer = torch.optim.SGD(one.parameters())
    for _ in range(4):
        call(one).backward()
        optimizer.step()
    assert counted.steps[-1] == (samples, tokens)


def test_the_outermost_modules() -> None:
    one, other = net(), net()
    both = nn.ModuleList([one, other])
    assert outermost([one[0], one, one[2], other]) == [one, other]
    assert outermost([one, both, other]) == [both]
