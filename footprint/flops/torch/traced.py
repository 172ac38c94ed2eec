"""The traced list of a type without a family: its module, run on the inputs with which torch counted it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from footprint.flops.torch import torch_counter
from footprint.flops.torch.torch_counter import build, usual_run
from footprint.flops.trace.door import Traced, trace_made

if TYPE_CHECKING:
    import torch

    from footprint.flops.torch.dummy_inputs import Run
    from footprint.schema import StepShape


def style_of(model_type: str) -> str:
    """The style of inputs with which a type was counted in this process."""
    return torch_counter._worked.get(model_type, ("meta", "masked"))[1]


def traced_type(config: Mapping[str, Any], shape: StepShape, objective: str, style: str) -> Traced:
    """The traced step of a transformers config, with inputs of a style that the counter took.

    Raises TraceError if the module cannot be traced.
    """

    def made() -> tuple[torch.nn.Module, torch.Tensor]:
        import torch

        return called(build(config, objective), usual_run(style), shape), torch.zeros(1)

    return trace_made(made)


def called(model: torch.nn.Module, run: Run, shape: StepShape) -> torch.nn.Module:
    """A module whose forward pass is a run of the model."""
    import torch

    class Called(torch.nn.Module):
        """Runs the model; its input is not read."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, _: torch.Tensor) -> torch.Tensor:
            """The scalar of the run."""
            return run(self.model, shape)

    return Called()
