"""The proof for one config: our counts and torch's, with explanations of any difference.

torch's counter has known errors. Their sizes follow from the operation list, so they are named and
subtracted. The remaining difference must be zero.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from footprint.flops.blocks import deltanet, lightning
from footprint.flops.blocks.deltanet import PAIRS, SYSTEM
from footprint.flops.checks import positions_warning
from footprint.flops.count import operation_list
from footprint.flops.operations import CONVOLUTION, CORE, EXPERTS, Matmul, Model, Number, Stage
from footprint.flops.own_sizes import with_own_sizes
from footprint.flops.passes.gradients import Pass, passes
from footprint.flops.passes.methods import prepare
from footprint.flops.passes.totals import totals
from footprint.flops.torch.depth import DEPTH_KEYS, LISTED, PARTS, PATTERNS, Axis, repetition, with_depth
from footprint.flops.torch.dummy_inputs import (
    run_llama4,
    run_pair,
    run_qwen_vision_language,
    run_vision_language,
)
from footprint.flops.torch.torch_counter import (
    UNNAMED,
    CannotCountError,
    NoTorchError,
    TorchCount,
    count_with_torch,
)
from footprint.named_tuples import NamedTuple
from footprint.records import replace
from footprint.schema import StepShape, TrainingMethod

if TYPE_CHECKING:
    from footprint.flops.torch.dummy_inputs import Run

FULL_DEPTH = 4
"""Stacks with at most this many layers are counted at full depth."""

USUAL: dict[str, tuple[str, Run | None]] = {
    "electra": ("rtd", None),
    "vit_mae": ("mae", None),
    "segformer": ("segmentation", None),
    "whisper": ("seq2seq", None),
    "clip": ("contrastive", run_pair),
    "siglip": ("contrastive", run_pair),
    "llava": ("image-text", run_vision_language),
    "paligemma": ("image-text", run_vision_language),
    "gemma3": ("image-text", run_vision_language),
    "mistral3": ("image-text", run_vision_language),
    "llama4": ("image-text", run_llama4),
    **dict.fromkeys(
        ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe"),
        ("image-text", run_qwen_vision_language),
    ),
}
"""Objective and function for torch, for types whose empty objective would select another class."""


class Difference(NamedTuple):
    """FLOP and parameters that torch counts beyond those of the model, and the reason."""

    reason: str
    forward_flop: Number = 0
    backward_flop: Number = 0
    parameters: Number = 0


class Proof(NamedTuple):
    """Our counts and torch's for one step with eager attention."""

    forward_flop: Number
    backward_flop: Number
    parameters: Number
    torch: TorchCount
    explained: tuple[Difference, ...]
    depths: str
    """``full``, or the depths from which the full depth was extrapolated."""
    seconds: float

    @property
    def residual(self) -> tuple[Number, Number, Number]:
        """(forward, backward, parameters): torch's count minus ours minus the explained part; 0 if exact."""
        return (
            self.torch.forward_flop
            - self.forward_flop
            - sum(difference.forward_flop for difference in self.explained),
            self.torch.backward_flop
            - self.backward_flop
            - sum(difference.backward_flop for difference in self.explained),
            self.torch.parameters
            - self.parameters
            - sum(difference.parameters for difference in self.explained),
        )

    @property
    def exact(self) -> bool:
        """Whether the explanations cover the whole difference."""
        return not any(self.residual)


def verify(
    config: Mapping[str, Any],
    shape: StepShape,
    objective: str = "",
    *,
    full_depth: bool = False,
) -> Proof:
    """Our forward and backward FLOP and parameters, and torch's, for full training [FLOP].

    Deep stacks are counted at two depths and extrapolated, unless ``full_depth`` is set. torch builds the
    class of the counted objective; the class named in the config is ignored.

    Raises CannotCountError if torch cannot run the model, ConfigError if we cannot count it.
    """
    started = time.perf_counter()
    shape = with_own_sizes(config, shape, objective)
    shape = replace(shape, predicted_positions=None)  # transformers computes every position
    model, trained = prepare(operation_list(config, shape, objective), TrainingMethod())
    sums = totals(model, trained)
    axes = () if full_depth else _axes(config, model)

    model_type = str(config["model_type"])
    targets = positions_warning("the model", config, None, shape.target_sequence_length)
    if targets and model_type == "whisper":
        # transformers refuses such labels, but with tensors without data a look-up never fails
        raise CannotCountError(f"torch cannot run this step: {targets}")
    usual, run = USUAL.get(model_type, ("", None))
    wanted = objective or usual or UNNAMED

    def count(changed: Mapping[str, Any]) -> TorchCount:
        return count_with_torch(changed, shape, wanted, run=run)

    try:
        counted, depths = extrapolate(config, axes, count)
    except NoTorchError:
        raise
    except CannotCountError as error:
        beyond = positions_warning("the model", config, shape.sequence_length, shape.target_sequence_length)
        if beyond is None:
            raise
        raise CannotCountError(f"torch cannot run this step: {beyond}") from error
    return Proof(
        forward_flop=sums.dense_forward,
        backward_flop=sums.dense_backward,
        parameters=sums.parameters.total,
        torch=counted,
        explained=tuple(explained(config, model)),
        depths=depths,
        seconds=time.perf_counter() - started,
    )


def extrapolate(config: Mapping[str, Any], axes: tuple[Axis, ...], count: Any) -> tuple[TorchCount, str]:
    """The count at full depth from shallow copies, and the depths that were built."""
    if not axes:
        return count(config), "full"

    def cut(deeper: Axis | None = None) -> Mapping[str, Any]:
        changed: Mapping[str, Any] = config
        for axis in axes:
            changed = with_depth(changed, axis, axis.shallow + (axis.period if axis is deeper else 0))
        return changed

    base: TorchCount = count(cut())
    forward, backward, parameters = base.forward_flop, base.backward_flop, base.parameters
    depths = []
    for axis in axes:
        deeper: TorchCount = count(cut(axis))
        periods = (axis.depth - axis.shallow) // axis.period
        forward += periods * (deeper.forward_flop - base.forward_flop)
        backward += periods * (deeper.backward_flop - base.backward_flop)
        parameters += periods * (deeper.parameters - base.parameters)
        depths.append(f"{axis.shallow} and {axis.shallow + axis.period} of {axis.depth}")
    total = TorchCount(
        forward_flop=forward,
        backward_flop=backward,
        parameters=parameters,
        non_embedding=0,
        device=base.device,
        by_operation={},
    )
    return total, "; ".join(depths)


def _axes(config: Mapping[str, Any], model: Model) -> tuple[Axis, ...]:
    """The deep stacks of a config, matched in order to the stages of its operation list by depth."""
    stages = [stage for stage in model.stages if _depth(stage) > 1]
    found: list[Axis] = []
    for path in _depth_paths(config):
        depth = _value(config, path)
        stage = next((s for s in stages if _depth(s) == depth), None)
        if stage is None:
            continue
        stages.remove(stage)
        kinds = [0] * depth
        for kind, layer in enumerate(stage):
            for position in layer.positions:
                kinds[position] = kind
        axis = Axis(path, depth, *repetition(kinds))
        if depth > FULL_DEPTH and axis.shallow + axis.period < depth:
            found.append(axis)
    return tuple(found)


def _depth(stage: Stage) -> int:
    return sum(len(layer.positions) for layer in stage)


def _depth_paths(config: Mapping[str, Any], parents: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of the keys for the depths of the stacks, in the order of the stages."""
    paths: list[tuple[str, ...]] = []
    for group in DEPTH_KEYS:
        paths = paths or [(*parents, name) for name in group if type(config.get(name)) is int]
    if not paths:
        paths = [(*parents, name) for name in PATTERNS if config.get(name)]
        paths = paths or [(*parents, name) for name in LISTED[2:3] if config.get(name)]
    for part in PARTS:
        nested = config.get(part)
        if isinstance(nested, Mapping) and not parents:
            paths += _depth_paths(nested, (part,))
    return paths


def _value(config: Mapping[str, Any], path: tuple[str, ...]) -> int:
    value: Any = config
    for key in path:
        value = value[key]
    return value if type(value) is int else len(value)


def _of_linear_attention(groups: Sequence[Pass], model: Model) -> list[Difference]:
    """What torch leaves out of linear attention, where a model has it."""
    systems: Number = 0
    pairs: Number = 0
    edges: Number = 0
    length = int((model.tokens or 0) // model.samples)
    for group in groups:
        for operation, _, _ in group.steps:
            if type(operation) is not Matmul or not operation.name.startswith(("delta_", "lightning_")):
                continue
            if operation.name.startswith(SYSTEM):
                systems += group.times * operation.dense_flop
            if operation.name.startswith(PAIRS):
                pairs += group.times * operation.dense_flop
            for unneeded in (deltanet.unneeded_gradients, lightning.unneeded_gradients):
                edges += group.times * unneeded(operation, length)
    found = []
    if systems:
        found.append(Difference("torch does not count triangular systems", -systems, -systems))
    if pairs:
        found.append(Difference("eager code makes these products element by element", -pairs, -2 * pairs))
    if edges:
        reason = "the state before the first block and after the last needs no gradient"
        found.append(Difference(reason, 0, -edges))
    return found


def explained(config: Mapping[str, Any], model: Model) -> list[Difference]:
    """The known errors of the counter and the library, with sizes from our operation list."""
    model, trained = prepare(model, TrainingMethod())
    groups = list(passes(model, trained))
    found = []
    grouped = sum(
        group.times * (step[0].weights - 1) * step[0].dense_flop
        for group in groups
        for step in group.steps
        if type(step[0]) is Matmul and step[0].component == CONVOLUTION and step[2] and step[0].weights > 1
    )
    if grouped:
        found.append(
            Difference("torch counts the weight gradient of a grouped convolution once per group", 0, grouped)
        )
    found += _of_linear_attention(groups, model)
    indexers = sum(
        group.times * (inputs + own) * operation.dense_flop
        for group in groups
        for operation, inputs, own in group.steps
        if type(operation) is Matmul and operation.name.startswith("indexer.")
    )
    if indexers:
        found.append(Difference("transformers runs indexers without gradients", 0, -indexers))
    if config.get("model_type") in ("llama4", "llama4_text"):
        text = config.get("text_config", config)
        experts = int(text["num_local_experts"]) - int(text["num_experts_per_tok"])
        routed = sum(
            group.times * step[0].dense_flop
            for group in groups
            for step in group.steps
            if type(step[0]) is Matmul and step[0].component == EXPERTS and step[0].chosen is not None
        )
        extra = routed * experts // int(text["num_experts_per_tok"])
        found.append(Difference("transformers computes every expert for every token", extra, 2 * extra))
    if config.get("model_type") in ("t5", "mt5", "umt5") and config.get("tie_word_embeddings") is False:
        head = -config["vocab_size"] * config["d_model"]
        found.append(Difference("transformers 5 ties the head of every T5", parameters=head))
    if config.get("model_type") in ("pixtral", "mistral3"):
        tower = next(stage for stage in model.stages if stage[0].part == "vision" and stage[0].checkpointed)
        core = sum(
            operation.dense_flop
            for operation in tower[0].operations
            if type(operation) is Matmul and operation.component == CORE
        )
        others = _depth(tower) * core * (int(model.samples) - 1)
        if others:
            reason = "transformers' eager attention runs over all images at once"
            found.append(Difference(reason, others, 2 * others))
    if config.get("model_type") == "llava":
        layers = config["vision_config"]["num_hidden_layers"]
        block = next(stage for stage in model.stages if stage[0].part == "vision" and stage[0].checkpointed)
        unused = layers - _depth(block)
        per_layer = sum(
            operation.dense_flop for operation in block[0].operations if type(operation) is Matmul
        )
        found.append(
            Difference("transformers runs vision layers whose results are unused", unused * per_layer)
        )
    return found
