"""Counts FLOPs with torch: to check the formulas, and to count unknown models.

`torch.utils.flop_counter.FlopCounterMode` counts while a model of the transformers library runs on
tensors without data ("meta", or "fake" if meta fails), so that large models need no memory. Deep models
are built with a few layers and extrapolated, which is exact if layers repeat. Eager attention and
``batched_mm`` experts are selected, because the counter counts no FLOP for fused attention on a processor
and for grouped matrix products.

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
from footprint.flops.torch.modal_inputs import STYLES, modal_runner
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
    "ctc": ("AutoModelForCTC",),
    "segmentation": ("AutoModelForSemanticSegmentation",),
    "rtd": ("AutoModelForPreTraining",),
    "mae": ("AutoModelForPreTraining",),
    "contrastive": ("AutoModel",),
    "image-text": ("AutoModelForImageTextToText",),
    "encode": ("AutoModel",),
}
"""Classes of transformers for each objective, in the order in which they are tried."""
UNNAMED = "usual"
"""The objective of a type's usual class; ``architectures`` is used only if the type has no usual class."""
AUTO_CLASSES[UNNAMED] = AUTO_CLASSES[""]

_WAYS: tuple[tuple[str, str], ...] = (
    *(("meta", "masked"), ("meta", "plain"), ("answered", "masked"), ("fake", "masked"), ("fake", "plain")),
    *((device, style) for device in ("meta", "fake") for style in STYLES),
)
"""Kinds of tensors without data and of inputs, in the order in which they are tried: with or without an
attention mask, then those of other modalities.

``answered`` is meta with one addition: a test of a tensor's truth ("is the whole mask 1?") gives True.
"""
IDLE_TENSORS = 8
"""Largest number of tensors in a module that may be unused as a whole: a pooler, but not a tower."""
_worked: dict[str, tuple[str, str]] = {}
"""The way that worked for a ``model_type`` in this process."""


@record
class TorchCount:
    """The counts of torch's counter for one step."""

    forward_flop: int
    backward_flop: int
    parameters: int
    non_embedding: int
    """Number of parameters without those of embedding modules."""
    device: str
    """``meta`` or ``fake``."""
    by_operation: Mapping[str, int]
    """Forward and backward FLOP by torch's operation (``mm``, ``bmm``, ``convolution``, ...)."""
    idle: int = 0
    """Number of trainable parameters on which the differentiated scalar does not depend."""
    idle_parts: tuple[str, ...] = ()
    """Unused modules with more than a few tensors, such as a tower that was not run."""


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

    ``run`` replaces the usual forward call. ``prepare`` changes the model first (freezing, adapters).
    ``mended`` corrects errors of the counter (the weight gradient of grouped convolutions).

    Raises CannotCountError if torch or transformers is missing or cannot run the model without data.
    """
    _require_torch()
    failures: dict[str, None] = {}
    model_type = str(config.get("model_type"))
    for way in sorted(_WAYS, key=lambda way: way != _worked.get(model_type)):
        device, style = way
        if run is not None and style != "masked":
            continue
        try:
            with quiet_torch():
                counted = _count(config, shape, objective, device, run or usual_run(style), prepare, mended)
        except Exception as error:  # noqa: BLE001 - other people's model code may raise anything
            first = next((line for line in str(error).splitlines() if line.strip()), "")
            failures[f"{type(error).__name__}: {first}"] = None
        else:
            _worked[model_type] = way
            return counted
    why = shorten("; ".join(failures), 400, placeholder=" ...")
    raise CannotCountError(f"torch cannot run model_type {config.get('model_type')!r} without data ({why})")


def usual_run(style: str) -> Run:
    """The forward call of a style of inputs."""
    return modal_runner(style) if style in STYLES else runner(masked=style == "masked")


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
        formulas = {torch.ops.aten.convolution_backward: convolution_backward} if mended else None
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
    """Number of parameters without a gradient, and the larger modules that have no gradient at all."""
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
    """Number of parameters of the model at full depth, which is built but not run."""
    with _device(device):
        return sum(parameter.numel() for parameter in build(config, objective).parameters())


def convolution_backward(
    gradient: Any, inputs: Any, weight: Any, *arguments: Any, out_shape: Any = None, **_: Any
) -> int:
    """FLOP of a convolution's backward pass: the forward FLOP for each required gradient."""
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
    """A mode in which the truth value of a meta tensor is True."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Answers(TorchDispatchMode):  # type: ignore[no-untyped-call]
        """Returns True for truth values; does not change other operations."""

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            del types
            if func is torch.ops.aten._local_scalar_dense.default and args[0].dtype == torch.bool:
                return True
            return func(*args, **(kwargs or {}))

    return Answers


def build(config: Mapping[str, Any], objective: str = "") -> torch.nn.Module:
    """The transformers model of a config, in evaluation mode so that no layer is dropped at random."""
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
    """Change the library's default token ids that a small vocabulary does not contain."""
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
    """The class for the objective; without an objective, the class named in the config or the usual one."""
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
