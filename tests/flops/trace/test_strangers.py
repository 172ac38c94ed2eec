"""Modules as strangers bring them: what cannot be traced is one message, the rest is torch's own count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from footprint.errors import FootprintError  # noqa: E402
from footprint.estimator.modules import traced_function  # noqa: E402
from footprint.flops.passes.methods import prepare  # noqa: E402
from footprint.flops.passes.totals import totals  # noqa: E402
from footprint.flops.trace.door import trace  # noqa: E402
from footprint.schema import TrainingMethod  # noqa: E402
from tests.flops.trace import strangers  # noqa: E402

ROWS = torch.zeros(3, 8)
TRACED: dict[str, tuple[Callable[[], Any], Any]] = {
    "shared weights": (strangers.Shared, torch.zeros(3, 7, dtype=torch.long)),
    "an adapter": (strangers.Adapted, ROWS),
    "autocast": (strangers.Cast, ROWS),
    "a functional call": (strangers.Functional, ROWS),
    "complex numbers": (lambda: torch.nn.Linear(8, 8, dtype=torch.complex64), ROWS.to(torch.complex64)),
    "DataParallel": (lambda: torch.nn.DataParallel(strangers.Cast()), ROWS),
}


@pytest.mark.parametrize(("name", "said"), strangers.REFUSED.items(), ids=strangers.REFUSED)
def test_what_cannot_be_traced_is_one_message(name: str, said: str) -> None:
    with pytest.raises(FootprintError, match=said) as caught:
        traced_function(f"tests.flops.trace.strangers:{name}")
    assert "\n" not in str(caught.value)


def test_a_script_that_ends_when_it_is_imported_is_a_message(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "script_without_guard.py").write_text("import sys\nsys.exit(7)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(FootprintError, match="cannot import script_without_guard: SystemExit: 7"):
        traced_function("script_without_guard:made")


@pytest.mark.parametrize(("made", "batch"), TRACED.values(), ids=TRACED)
def test_what_can_be_traced_is_what_torch_counts_on_real_tensors(made: Any, batch: Any) -> None:
    module = made()
    with FlopCounterMode(display=False) as forward:
        found = module(batch)
        loss = (torch.view_as_real(found) if found.is_complex() else found.float()).sum()
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    traced = trace(made(), batch)
    sums = totals(*prepare(traced.model, TrainingMethod()))
    assert sums.dense_forward == forward.get_total_flops()
    assert sums.dense_backward == backward.get_total_flops()
    assert traced.parameters == sum(one.numel() for one in module.parameters())


def test_a_module_whose_weights_are_all_frozen_is_a_forward_pass() -> None:
    traced = trace(torch.nn.Linear(4, 6).requires_grad_(False), torch.zeros(5, 4))
    sums = totals(*prepare(traced.model, TrainingMethod()))
    assert (sums.forward, sums.backward) == (2 * 5 * 4 * 6, 0)


@pytest.mark.parametrize("name", strangers.PLACED)
def test_code_for_an_accelerator_is_traced_without_one(name: str) -> None:
    """Two products of three rows, 8 x 8: the first's input needs no gradient."""
    traced = traced_function(f"tests.flops.trace.strangers:{name}")
    sums = totals(*prepare(traced.model, TrainingMethod()))
    one = 2 * 3 * 8 * 8
    assert (sums.forward, sums.backward, traced.parameters) == (2 * one, 3 * one, 2 * (64 + 8))
    assert torch.zeros(1).device.type == "cpu"


def test_a_part_that_an_older_checkpoint_runs_again() -> None:
    """Two products of three rows, 8 x 8, of which the first's input needs no gradient."""
    sums = totals(*prepare(trace(strangers.Again(), ROWS).model, TrainingMethod()))
    one = 2 * 3 * 8 * 8
    assert (sums.forward, sums.backward) == (2 * one, 3 * one)


def test_a_module_of_the_meta_device_and_its_batch() -> None:
    with torch.device("meta"):
        module = strangers.Shared()
    batch = torch.zeros(3, 7, dtype=torch.long)
    bare, whole = (trace(one, batch) for one in (module, strangers.Shared()))
    assert (bare.forward_flop, bare.backward_flop) == (whole.forward_flop, whole.backward_flop)
    assert bare.parameters == whole.parameters


def test_a_learned_query_gets_its_gradient() -> None:
    """Scores and sums of 3 samples, 5 rows of 8, each with two gradients; keys and values with one."""
    traced = trace(strangers.Pooled(), torch.zeros(3, 5, 8))
    sums = totals(*prepare(traced.model, TrainingMethod()))
    projections, core = 2 * (2 * 3 * 5 * 8 * 8), 2 * (2 * 3 * 5 * 8)
    assert (sums.forward, sums.backward) == (projections + core, projections + 2 * core)
    assert sums.parameters.total == 8 + 2 * (64 + 8)


def test_what_the_list_lacks_is_said() -> None:
    """The gradient of an inverse is two products that no operation of the forward pass has."""
    module = torch.nn.Sequential(torch.nn.Linear(8, 64), torch.nn.Unflatten(1, (8, 8)), Inverse())
    said = trace(module, ROWS).remarks
    weight, inverse = 2 * 3 * 8 * 64, 2 * (2 * 3 * 8 * 8 * 8)
    assert said == (f"the backward pass of the list has {weight} FLOP, and torch counts {weight + inverse}",)
    assert trace(strangers.Functional(), ROWS).remarks == ()


class Inverse(torch.nn.Module):
    """The inverse of a matrix."""

    def forward(self, x: Any) -> Any:
        return torch.linalg.inv(x + torch.eye(8))
