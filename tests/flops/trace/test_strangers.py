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
        loss = module(batch).float().sum()
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
