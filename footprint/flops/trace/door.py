"""The door of the trace: a module and its batch in, its operation list out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

from footprint.errors import FootprintError
from footprint.flops.trace.calls import call_of, faked, loss_of, moved, sizes_of
from footprint.flops.trace.constants import ACCELERATORS, no_accelerator, on_meta, without_data
from footprint.flops.trace.layers import differences, model_of
from footprint.flops.trace.recorder import Recorder
from footprint.flops.trace.watching import plain_kernels, portable_kernels, quiet, seeing_attention, watch_of
from footprint.records import record

if TYPE_CHECKING:
    import torch

    from footprint.flops.operations import Model


class TraceError(FootprintError):
    """A module that cannot be traced; says why."""


@record
class Traced:
    """The operation list of a module, and what torch counted beside it."""

    model: Model
    once: tuple[str, ...]
    """Operations whose work does not grow with the batch."""
    name: str
    sequence_length: int | None
    target_sequence_length: int | None
    image_size: int | None
    forward_flop: int
    """What torch's formulas give for the forward pass [FLOP]."""
    backward_flop: int | None
    parameters: int
    remarks: tuple[str, ...]

    @property
    def said(self) -> str:
        """The trace in one line."""
        flop = self.forward_flop + (self.backward_flop or 0)
        return f"{self.name}, {self.parameters:,} parameters, {flop:.4g} FLOP a step of {self.model.samples}"


def trace(module: torch.nn.Module, inputs: Any, *, copied: bool = True) -> Traced:
    """The operation list of one step of a module on one batch, forward and backward, without its data.

    ``inputs`` is what the module is called with: a tensor, a tuple, or a mapping of arguments. With
    ``copied`` the module is copied first, without its data, so that it stays as it was.

    Raises TraceError for a module without parameters, with weights that are made later, that fails on
    its batch, or that asks for the values of its tensors.
    """
    _require_torch()
    module = getattr(module, "_orig_mod", module)
    _require_module(module)
    if all(one.is_meta for one in module.parameters()):
        with quiet(), on_meta():
            return _built(lambda: (copy.deepcopy(module).to("meta"), inputs), _to_meta)
    try:
        with quiet(), without_data() as fake, _only_what_is_here():
            if copied:
                module = _copy(module, fake)
            arguments, keywords = call_of(faked(inputs, fake))
            return _traced(module, arguments, keywords)
    except FootprintError:
        raise
    except (Exception, SystemExit) as error:
        raise TraceError(_why(module, error)) from error


def trace_made(factory: Callable[[], Any]) -> Traced:
    """The same of what a function returns: a module and its inputs, built without their data.

    Tensors of torch's ``meta`` device are quick, and tried first; fake ones can do more.

    Raises TraceError, too, for a function that fails or returns something else.
    """
    _require_torch()
    with suppress(Exception, SystemExit), quiet(), on_meta():  # what fails here is tried again, and said then
        return _built(factory, _to_meta)
    with quiet(), without_data() as fake, no_accelerator("cpu"):
        return _built(factory, lambda inputs: faked(inputs, fake))


def _to_meta(inputs: Any) -> Any:
    return moved(inputs, "meta")


def _built(factory: Callable[[], Any], emptied: Callable[[Any], Any]) -> Traced:
    name = getattr(factory, "__name__", "the function")
    try:
        made = factory()
    except FootprintError:
        raise
    except (Exception, SystemExit) as error:
        raise TraceError(f"{name}() fails without data: {_said(error)}") from error
    if not isinstance(made, tuple) or len(made) != 2:
        raise TraceError(f"{name}() must return a module and its inputs, not {type(made).__name__}")
    module: Any
    module, inputs = made
    module = getattr(module, "_orig_mod", module)
    _require_module(module)
    try:
        arguments, keywords = call_of(emptied(inputs))
        return _traced(module, arguments, keywords)
    except FootprintError:
        raise
    except (Exception, SystemExit) as error:
        raise TraceError(_why(module, error)) from error


def _only_what_is_here() -> AbstractContextManager[None]:
    """Code for accelerators runs elsewhere where there is none; else the module may stand on one."""
    import torch

    questions = [getattr(getattr(torch, name, None), "is_available", bool) for name in ACCELERATORS]
    here = any(asked() for asked in questions)
    return nullcontext() if here else no_accelerator("cpu")


def _require_torch() -> None:
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise TraceError("tracing a module needs torch: install footprint-ml[torch]")


def _copy(module: torch.nn.Module, fake: Any) -> torch.nn.Module:
    """The module without its data; small tables keep theirs."""
    from torch._subclasses.fake_tensor import FakeCopyMode

    try:
        with FakeCopyMode(fake):
            return copy.deepcopy(module)
    except Exception as error:
        raise TraceError(
            f"{type(module).__name__} cannot be copied without its data ({_said(error)}): "
            "give `footprint trace` a function that builds it"
        ) from error


def _require_module(module: Any) -> None:
    import torch
    from torch.nn.parameter import is_lazy

    if not isinstance(module, torch.nn.Module):
        raise TraceError(f"only a torch.nn.Module can be traced, not {type(module).__name__}")
    if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        raise TraceError(
            f"{type(module).__name__} is TorchScript, whose parts no one sees: give the module that it was "
            "made of"
        )
    every = list(module.parameters())
    if any(is_lazy(one) for one in every):
        raise TraceError(
            f"{type(module).__name__} has weights that are made at its first call: call it once first"
        )
    if not every:
        raise TraceError(f"{type(module).__name__} has no parameters: there is nothing to train")


def _traced(module: torch.nn.Module, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Traced:
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils._pytree import tree_leaves

    recorder = Recorder(module)
    tensors = [one for one in tree_leaves((arguments, keywords)) if isinstance(one, torch.Tensor)]
    if not tensors:
        raise TraceError("the inputs hold no tensor")
    sizes = sizes_of(keywords, tensors)
    if not sizes["model"]["samples"]:
        raise TraceError("the inputs hold no sample: give a batch of at least one")
    for tensor in tensors:
        recorder.input(tensor)
    watch = watch_of(recorder)
    kept = torch.autograd.graph.saved_tensors_hooks(recorder.kept, lambda tensor: tensor)
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH), plain_kernels(), portable_kernels(module):
        with recorder.watching(module), seeing_attention(recorder), watch, kept:
            outputs = module(*arguments, **keywords)
        forward = watch.flop
        recorder.muted, watch.flop = True, 0
        scalar = loss_of(outputs)
        trained = {name: one for name, one in recorder.parameters.items() if one.requires_grad}
        backward = None
        if trained and (scalar is None or not scalar.requires_grad):
            raise TraceError(
                f"nothing that {type(module).__name__} returns has a gradient: let it return its loss or its "
                "outputs as tensors, or freeze its weights to count the forward pass alone"
            )
        if trained:
            for one in trained.values():
                one.grad = None
            with watch, recorder.watching(module):
                scalar.backward()
            backward = watch.flop
            recorder.cut()
            recorder.idle = {name for name, one in trained.items() if one.grad is None}
    if not any(True for event in recorder.events if hasattr(event, "weights")):
        raise TraceError(f"{type(module).__name__} multiplies nothing on these inputs")
    model, once = model_of(recorder, module, **sizes["model"])
    remarks = () if backward is None or recorder.recomputed else differences(model, forward, backward)
    return Traced(
        model=model,
        once=once,
        name=type(module).__name__,
        forward_flop=forward,
        backward_flop=backward,
        parameters=sum(one.numel() for one in recorder.parameters.values()),
        remarks=remarks,
        **sizes["sample"],
    )


def _why(module: Any, error: BaseException) -> str:
    """One line on what went wrong in other people's code."""
    kind = type(error).__name__
    name = type(module).__name__
    if kind in ("DataDependentOutputException", "DynamicOutputShapeException", "GuardOnDataDependentSymNode"):
        return (
            f"{name} asks for the values of its tensors ({_said(error)}), which a trace "
            "without data does not have: leave out what branches on them"
        )
    if "storage of Sparse" in str(error):
        return (
            f"{name} has sparse tensors: how much they multiply depends on their values, which a trace "
            "without data does not have"
        )
    return f"{name} fails on its batch: {_said(error)}"


def _said(error: BaseException) -> str:
    """The kind of an error and the first line of what it says."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first[:240]}"
