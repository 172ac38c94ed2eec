"""FLOPs counted by torch itself: the check of our formulas, and the way in for unknown models.

`torch.utils.flop_counter.FlopCounterMode` watches a model of the transformers library run on
tensors without data ("meta", or "fake" where meta fails), so size costs nothing. Deep models are
built with a few layers and extrapolated, which is exact when layers repeat. Eager attention and
``batched_mm`` experts are asked for: the counter gives fused attention on a processor and grouped
matrix products no FLOP at all.

torch and transformers are imported inside the functions.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from footprint.errors import FootprintError
from footprint.flops.torch.dummy_inputs import quiet_torch, runner
from footprint.records import record

if TYPE_CHECKING:
    import torch

    from footprint.flops.torch.dummy_inputs import Run
    from footprint.schema import StepShape

AUTO_CLASSES = {
    "": (
        "AutoModelForSeq2SeqLM",
        "AutoModelForMaskedLM",
        "AutoModelForCausalLM",
        "AutoModelForSpeechSeq2Seq",
        "AutoModelForImageTextToText",
        "AutoModelForImageClassification",
        "AutoModelForCTC",
        "AutoModel",
    ),
    "clm": ("AutoModelForCausalLM",),
    "mlm": ("AutoModelForMaskedLM",),
    "mlm+nsp": ("AutoModelForPreTraining",),
    "seq2seq": ("AutoModelForSeq2SeqLM", "AutoModelForSpeechSeq2Seq"),
    "classification": (
        "AutoModelForSequenceClassification",
        "AutoModelForImageClassification",
        "AutoModelForAudioClassification",
    ),
    "token_classification": ("AutoModelForTokenClassification",),
    "rtd": ("AutoModelForPreTraining",),
    "mae": ("AutoModelForPreTraining",),
    "contrastive": ("AutoModel",),
    "image-text": ("AutoModelForImageTextToText",),
    "encode": ("AutoModel",),
}
"""Classes of transformers that compute an objective, in the order they are tried."""
UNNAMED = "usual"
"""The objective of the usual class: ``architectures`` counts only where there is none."""
AUTO_CLASSES[UNNAMED] = AUTO_CLASSES[""]

_WAYS = (("meta", True), ("meta", False), ("answered", True), ("fake", True), ("fake", False))
"""Kinds of tensors without data, with and without an attention mask, in the order they are tried.

``answered`` is meta where a model's question about its mask ("is all of it 1?") is answered yes.
"""
IDLE_TENSORS = 8
"""Tensors of a module of which none may take part: a pooler that nothing reads, but no tower."""
_worked: dict[str, tuple[str, bool]] = {}
"""What worked for a ``model_type`` in this process."""


@record
class TorchCount:
    """What torch's counter saw in one step."""

    forward_flop: int
    backward_flop: int
    parameters: int
    non_embedding: int
    """Without the parameters of embedding modules."""
    device: str
    """``meta`` or ``fake``."""
    by_operation: Mapping[str, int]
    """Forward and backward FLOP by torch's operation (``mm``, ``bmm``, ``convolution``, ...)."""
    idle: int = 0
    """Trainable parameters that what was differentiated does not depend on."""
    idle_parts: tuple[str, ...] = ()
    """Modules that hold several tensors and of which nothing took part: a tower that was not run."""


class CannotCountError(FootprintError):
    """torch could not run this model without data."""


class NoTorchError(CannotCountError):
    """torch or transformers is not installed."""


def count_with_torch(
    config: Mapping[str, Any],
    shape: StepShape,
    objective: str = "",
    *,
    run: Run | None = None,
    prepare: Callable[[torch.nn.Module], torch.nn.Module] | None = None,
    mended: bool = False,
) -> TorchCount:
    """Forward and backward FLOP and parameters of one step, counted by torch [FLOP].

    ``run`` replaces the usual forward call; ``prepare`` changes the model first (freezing, adapters);
    ``mended`` puts right what the counter gets wrong (the weight gradient of grouped convolutions).

    Raises CannotCountError if torch or transformers is missing or cannot run the model without data.
    """
    _require_torch()
    failures: dict[str, None] = {}
    model_type = str(config.get("model_type"))
    for way in sorted(_WAYS, key=lambda way: way != _worked.get(model_type)):
        device, masked = way
        if run is not None and not masked:
            continue
        try:
            with quiet_torch():
                counted = _count(config, shape, objective, device, run or runner(masked), prepare, mended)
        except Exception as error:  # noqa: BLE001 - other people's model code may raise anything
            first = next((line for line in str(error).splitlines() if line.strip()), "")
            failures[f"{type(error).__name__}: {first}"] = None
        else:
            _worked[model_type] = way
            return counted
    why = shorten("; ".join(failures), 400, placeholder=" ...")
    raise CannotCountError(f"torch cannot run model_type {config.get('model_type')!r} without data ({why})")


def _require_torch() -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import torch
        import transformers
    except ImportError as error:
        raise NoTorchError(
            f"counting with torch needs {error.name}: install footprint-ml[torch,hf]"
        ) from None
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)


def _count(
    config: Mapping[str, Any],
    shape: StepShape,
    objective: str,
    device: str,
    run: Run,
    prepare: Callable[[torch.nn.Module], torch.nn.Module] | None,
    mended: bool = False,
) -> TorchCount:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with _device(device):
        model = build(config, objective)
        if prepare is not None:
            model = prepare(model)
        with FlopCounterMode(display=False) as forward:
            loss = run(model, shape)
        formulas = {torch.ops.aten.convolution_backward: _convolution_backward} if mended else None
        with FlopCounterMode(display=False, custom_mapping=formulas) as backward:
            loss.backward()  # type: ignore[no-untyped-call]
    by_operation: dict[str, int] = {}
    for counter in (forward, backward):
        for operation, flop in counter.get_flop_counts().get("Global", {}).items():
            name = str(operation).rpartition(".")[2]
            by_operation[name] = by_operation.get(name, 0) + flop
    total = sum(parameter.numel() for parameter in model.parameters())
    idle, idle_parts = _idle(model)
    modules = (module for module in model.modules() if isinstance(module, torch.nn.Embedding))
    tables = sum({id(m.weight): m.weight.numel() for m in modules}.values())
    return TorchCount(
        forward_flop=forward.get_total_flops(),
        backward_flop=backward.get_total_flops(),
        parameters=total,
        non_embedding=total - tables,
        device=device,
        by_operation=by_operation,
        idle=idle,
        idle_parts=idle_parts,
    )


def _idle(model: torch.nn.Module) -> tuple[int, tuple[str, ...]]:
    """Parameters without a gradient, and the modules of more than a few that have none at all."""
    parameters, parts = 0, dict[str, int]()
    live: set[str] = set()
    for name, parameter in model.named_parameters():
        part = ".".join(name.split(".")[:2])
        if not parameter.requires_grad or parameter.grad is not None:
            live.add(part)
        else:
            parameters += parameter.numel()
            parts[part] = parts.get(part, 0) + 1
    return parameters, tuple(p for p, tensors in parts.items() if tensors > IDLE_TENSORS and p not in live)


def built_parameters(config: Mapping[str, Any], objective: str, device: str) -> int:
    """Parameters of the model at its full depth, which is built but not run."""
    with _device(device):
        return sum(parameter.numel() for parameter in build(config, objective).parameters())


def _convolution_backward(
    gradient: Any, inputs: Any, weight: Any, *arguments: Any, out_shape: Any = None, **_: Any
) -> int:
    """FLOP of a convolution's backward pass: as many as forward for each gradient that is wanted."""
    del out_shape
    transposed, output_mask = arguments[4], arguments[7]
    positions = math.prod((inputs if transposed else gradient)[2:])
    forward = 2 * inputs[0] * positions * math.prod(weight)
    return int(forward * (bool(output_mask[0]) + bool(output_mask[1])))


@contextmanager
def _device(name: str) -> Iterator[None]:
    import torch

    if name == "meta":
        with torch.device("meta"):
            yield
    elif name == "answered":
        with torch.device("meta"), _answers()():
            yield
    else:
        from torch._subclasses.fake_tensor import FakeTensorMode

        with FakeTensorMode(allow_non_fake_inputs=True):
            yield


def _answers() -> type[Any]:
    """A mode in which a meta tensor that is asked for its truth says yes."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Answers(TorchDispatchMode):  # type: ignore[no-untyped-call]
        """Answers questions about truth; leaves every other operation alone."""

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            del types
            if func is torch.ops.aten._local_scalar_dense.default and args[0].dtype == torch.bool:
                return True
            return func(*args, **(kwargs or {}))

    return Answers


def build(config: Mapping[str, Any], objective: str = "") -> torch.nn.Module:
    """The transformers model of a config in evaluation mode, so that no layer is dropped at random."""
    import transformers

    arguments = dict(config)
    settings = transformers.AutoConfig.for_model(arguments.pop("model_type"), **arguments)
    _within_vocabulary(settings)
    model_class = _model_class(settings, config.get("architectures") or (), objective)
    model: torch.nn.Module = model_class._from_config(
        settings, attn_implementation="eager", experts_implementation="batched_mm"
    )
    return model.eval()


def _within_vocabulary(settings: Any) -> None:
    """Brings the library's default token ids inside a vocabulary that is smaller than its default."""
    vocabulary = getattr(settings, "vocab_size", None)
    for name in (
        "pad_token_id",
        "bos_token_id",
        "eos_token_id",
        "decoder_start_token_id",
        "forced_eos_token_id",
    ):
        token = getattr(settings, name, None)
        if isinstance(token, int) and isinstance(vocabulary, int) and token >= vocabulary:
            setattr(settings, name, 0)


def _model_class(settings: Any, architectures: Sequence[str], objective: str) -> Any:
    """The class for the objective; without one, the class the config names, else the usual one."""
    import transformers

    named = [getattr(transformers, str(name)) for name in architectures if hasattr(transformers, str(name))]
    if named and not objective:
        return named[0]
    for name in AUTO_CLASSES.get(objective, ()):
        mapping = getattr(transformers, name)._model_mapping
        if type(settings) in mapping:
            found = mapping[type(settings)]
            return found[0] if isinstance(found, tuple) else found
    if named and objective == UNNAMED:
        return named[0]
    raise CannotCountError(
        f"transformers has no class for {settings.model_type!r} and objective {objective!r}"
    )
