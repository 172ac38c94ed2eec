"""The traced list of a type without a family: its module, run on the inputs with which torch counted it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from footprint.flops.torch import torch_counter
from footprint.flops.torch.torch_counter import build, usual_run
from footprint.flops.trace.calls import Call
from footprint.flops.trace.door import Traced, trace_made
from footprint.records import replace

if TYPE_CHECKING:
    import torch

    from footprint.flops.torch.dummy_inputs import Run
    from footprint.schema import StepShape


def way_of(model_type: str) -> tuple[str, str]:
    """The kind of tensors and the style of inputs with which a type was counted in this process."""
    return torch_counter._worked.get(model_type, ("meta", "masked"))


def traced_type(config: Mapping[str, Any], shape: StepShape, objective: str, way: tuple[str, str]) -> Traced:
    """The traced step of a transformers config, in a way that the counter took.

    The number of samples is that of ``shape``: patches or frames that stand first are none.

    Raises TraceError if the module cannot be traced.
    """
    device, style = way

    def made() -> tuple[torch.nn.Module, Any]:
        import torch

        model, run = build(config, objective), usual_run(style)
        call = first_call(model, run, shape)
        if call is None:
            return called(model, run, shape), torch.zeros(1)
        model.register_forward_hook(every_output)
        return model, with_values(model, call)

    with torch_counter._device("answered") if device == "answered" else nullcontext():
        traced = trace_made(made)
    return replace(traced, model=replace(traced.model, samples=shape.sequences))


def agrees(ours: float, theirs: float) -> bool:
    """Whether a list has what torch counts, to one part in a thousand, as `footprint trace` wants it too."""
    return abs(ours - theirs) <= theirs / 1000


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


def with_values(model: torch.nn.Module, call: Call) -> Call:
    """The call without its tensors that have values among those that have none, which the model gets itself.

    A tower reads the sizes of its images from them.
    """
    import torch

    if torch.get_default_device().type != "meta":
        return call
    known = {name: one for name, one in call.keywords.items() if getattr(one, "is_cpu", False)}

    def put(_: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return arguments, {**keywords, **known}

    model.register_forward_pre_hook(put, with_kwargs=True)
    return Call(call.arguments, {name: one for name, one in call.keywords.items() if name not in known})


def every_output(_: torch.nn.Module, arguments: tuple[Any, ...], outputs: Any) -> Any:
    """The outputs with their loss as one among others: a loss of a codec's codes trains no decoder."""
    del arguments
    if not isinstance(outputs, Mapping) or "loss" not in outputs:
        return outputs
    return {"of_model" if name == "loss" else name: one for name, one in outputs.items()}


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
