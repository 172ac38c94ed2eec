"""torch's counts beside ours, as the tests of families compare them."""

from __future__ import annotations

from typing import Any

from footprint.flops.count import step_sums
from footprint.flops.verify import verify
from footprint.schema import StepShape, TrainingMethod
from tests.flops.kept import asking, small_count


def exact(config: dict[str, Any], shape: StepShape, objective: str = "") -> None:
    """Nothing is left between torch's counts, which are kept, and ours."""
    with asking(small_count):
        proof = verify(config, shape, objective, full_depth=True)
    assert proof.residual == (0, 0, 0), proof


def counted(model: Any, *arguments: Any) -> tuple[int, int, int]:
    """(forward, backward, parameters) of a torch module, by torch's counter."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as forward:
        outputs = model(*arguments)
    total = sum(output.sum() for output in outputs) if isinstance(outputs, (list, tuple)) else outputs.sum()
    with FlopCounterMode(display=False) as backward:
        total.backward()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return forward.get_total_flops(), backward.get_total_flops(), parameters


def ours(config: dict[str, Any], shape: StepShape, objective: str = "") -> tuple[Any, Any, Any]:
    """The same three of our own, as eager code executes them."""
    _, sums = step_sums(config, shape, TrainingMethod(), objective)
    return sums.dense_forward, sums.dense_backward, sums.parameters.total
