"""The traced list of a type without a family: its module, run on the inputs with which torch counted it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from footprint.flops.torch import torch_counter
from footprint.flops.torch.torch_counter import build, usual_run
from footprint.flops.trace.calls import Call
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

    def made() -> tuple[torch.nn.Module, Any]:
        import torch

        model, run = build(config, objective), usual_run(style)
        call = first_call(model, run, shape)
        return (model, call) if call is not None else (called(model, run, shape), torch.zeros(1))

    return trace_made(made)


class _CalledError(Exception):
    """Ends a run at its call of the model."""

    def __init__(self, call: Call) -> None:
        self.call = call


def first_call(model: torch.nn.Module, run: Run, shape: StepShape) -> Call | None:
    """What a run calls the model with; None if it calls parts of it."""

    def stop(_: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        raise _CalledError(Call(arguments, keywords))

    handle = model.register_forward_pre_hook(stop, with_kwargs=True)
    try:
        run(model, shape)
    except _CalledError as found:
        return found.call
    finally:
        handle.remove()
    return None


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
