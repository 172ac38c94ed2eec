"""What a model of the transformers library says of itself, whichever loop trains it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CONFIG_FILE = "footprint-model.json"


def config_file(config: Any, folder: Path) -> str:
    """The path of the model's config, written into a folder for the estimate to read."""
    from footprint.reports.files import write_new

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / CONFIG_FILE
    write_new(file, config.to_json_string(use_diff=False), overwrite=True)
    return str(file.absolute())


def method_of(model: Any) -> dict[str, Any]:
    """How a model is trained: its adapters, or whether it starts from weights that were loaded."""
    adapters = getattr(model, "peft_config", None)
    if adapters:
        first = next(iter(adapters.values()))
        rank = getattr(first, "r", None)
        narrow = getattr(model, "is_loaded_in_4bit", False)
        if not rank:
            return {}
        dropout = {"lora_dropout": "each"} if getattr(first, "lora_dropout", 0.0) else {}
        return {"method": "qlora" if narrow else "lora", "lora_rank": rank, **dropout, **_targets(model)}
    return {"method": "finetune"} if getattr(model.config, "_name_or_path", "") else {}


def _targets(model: Any) -> dict[str, tuple[str, ...]]:
    """The projections that adapters are on, by the names of their layers; nothing where ours have others."""
    from footprint.errors import FootprintError
    from footprint.flops import operation_list
    from footprint.flops.passes.adapters import adaptable_projections
    from footprint.schema import StepShape

    adapted = {name.rpartition(".")[2] for name, part in model.named_modules() if hasattr(part, "lora_A")}
    try:
        operations = operation_list(model.config.to_dict(), StepShape(sequences=1, sequence_length=1))
    except FootprintError:
        return {}
    known = adaptable_projections(operations)
    return {"lora_targets": tuple(sorted(adapted))} if adapted and adapted <= known else {}


def attention_of(model: Any) -> dict[str, str]:
    """The attention kernel that the model was told to use: one that writes the scores out, or a fused one."""
    kernel = getattr(model.config, "_attn_implementation", None)
    if kernel is None:
        return {}
    return {"attention": "eager" if kernel == "eager" else "flash"}


def lengths_of(config: Any, arguments: Any, named: Any) -> dict[str, int]:
    """Tokens of a sequence of this batch, with its padding, and those of its targets."""
    found = {}
    ids = named.get("input_ids", arguments[0] if arguments else None)
    if ids is not None and ids.ndim == 2:
        found["seq_len"] = int(ids.shape[1])
    labels = named.get("labels")
    if getattr(config, "is_encoder_decoder", False) and labels is not None and labels.ndim == 2:
        found["tgt_seq_len"] = int(labels.shape[1])
    return found


def model_within(module: Any) -> Any:
    """The one model of the library that a module holds; None where there is none, or more than one."""
    found = [part for part in module.modules() if hasattr(getattr(part, "config", None), "to_json_string")]
    outer = [
        part
        for part in found
        if not any(part is not other and part in set(other.modules()) for other in found)
    ]
    return outer[0] if len(outer) == 1 else None
