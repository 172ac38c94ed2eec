"""FLOPs of one training step, from a model config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.flops.config.fields import Fields
from footprint.flops.operations import Model
from footprint.flops.passes.methods import prepare
from footprint.flops.passes.totals import Totals, totals
from footprint.flops.registry import GENERIC, family, unknown_model_type
from footprint.flops.step import StepFlops, checked
from footprint.schema import StepShape, TrainingMethod


def operation_list(config: Mapping[str, Any], shape: StepShape, objective: str = "") -> Model:
    """The operation list of one training step.

    Raises ConfigError if the config cannot be counted, UnknownNameError if no family has its
    ``model_type``.
    """
    fields = Fields(config)
    model_type = fields.text("model_type")
    module = family(model_type)
    if module is None:
        raise unknown_model_type(model_type)
    return module.build(fields, checked(shape), objective)


def count_step(
    config: Mapping[str, Any],
    shape: StepShape,
    training: TrainingMethod = TrainingMethod(),  # noqa: B008 - frozen
    objective: str = "",
) -> StepFlops:
    """FLOP of one training step of a Hugging Face model config, with parameters and components [FLOP].

    ``objective`` is one of the family's objectives (``mlm``, ``mlm+nsp``, ``clm``, ``classification``,
    ...); empty means the family's usual one. The config's ``architectures`` are ignored.

    A ``model_type`` without a family is counted by torch if torch and transformers are installed. The
    result is labelled ``traced`` if the module's operation list gives the same, else ``counted``.

    Raises ConfigError for a config that cannot be counted, UnknownNameError for an unknown
    ``model_type``, FootprintError for an unusable shape or method.
    """
    model_type = Fields(config).text("model_type")
    if model_type == GENERIC:
        from footprint.flops.generic import count_generic

        return count_generic(config, shape, training, objective, count_step)
    module = family(model_type)
    if module is None:
        return _counted(config, shape, training, objective)
    model, sums = step_sums(config, shape, training, objective)
    return StepFlops(
        family=model.family,
        parameters=sums.parameters,
        tokens=model.tokens,
        source_tokens=model.source_tokens,
        target_tokens=model.target_tokens,
        samples=model.samples,
        forward_flop=sums.forward,
        backward_flop=sums.backward,
        training_flop=sums.forward + sums.backward,
        training_flop_causal=sums.causal,
        hardware_flop=sums.executed,
        components=sums.components,
        basis=getattr(module, "BASIS", "formula"),
        operations=model,
        training=training,
        shape=shape,
    )


def _counted(
    config: Mapping[str, Any], shape: StepShape, training: TrainingMethod, objective: str
) -> StepFlops:
    """The count by torch of a type without a family; the error for an unknown type if torch is missing."""
    _require_torch(str(config["model_type"]))
    from footprint.flops.torch.fallback import listed_step

    return listed_step(config, shape, training, objective, count_step)


def require_known(config: Mapping[str, Any]) -> None:
    """Raise UnknownNameError for a ``model_type`` that neither a family counts nor torch could."""
    model_type = str(config["model_type"])
    if model_type != GENERIC and family(model_type) is None:
        _require_torch(model_type)
        from footprint.flops.torch.fallback import require_known_type

        require_known_type(model_type)


def _require_torch(model_type: str) -> None:
    import re
    from importlib.util import find_spec

    # Loading torch takes seconds: not for what can be no name of the library's.
    named = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", model_type)
    if named is None or find_spec("torch") is None or find_spec("transformers") is None:
        raise unknown_model_type(model_type)


def step_sums(
    config: Mapping[str, Any], shape: StepShape, training: TrainingMethod, objective: str = ""
) -> tuple[Model, Totals]:
    """The operation list, including adapters, and its sums."""
    model, trained = prepare(operation_list(config, shape, objective), training)
    return model, totals(model, trained, training.recompute, training.attention)
