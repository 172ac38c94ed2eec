"""Runs a transformers model on tensors without data, so that torch can count it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from footprint.schema import StepShape

    Run = Callable[[torch.nn.Module, StepShape], torch.Tensor]
    """Runs the forward pass of a model and returns the scalar to differentiate."""

_SKIPPED_OUTPUTS = frozenset({"past_key_values", "hidden_states", "attentions", "cross_attentions"})


@contextmanager
def quiet_torch() -> Iterator[None]:
    """Silence torch's loggers: after a failure here another way is tried, or footprint reports the error."""
    import logging

    known = logging.root.manager.loggerDict.items()
    loggers = [
        logger
        for name, logger in list(known)
        if name.partition(".")[0] == "torch" and isinstance(logger, logging.Logger) and not logger.disabled
    ]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger in loggers:
            logger.disabled = False


def runner(masked: bool) -> Run:
    """A function for the usual forward call, with or without an attention mask."""

    def run(model: torch.nn.Module, shape: StepShape) -> torch.Tensor:
        return scalar(model(**_inputs(model, shape, masked)))

    return run


def run_pair(model: Any, shape: StepShape) -> torch.Tensor:
    """Run a contrastive pair of towers; the scalar compares every image with every text."""
    import torch

    batch = int(shape.sequences)
    outputs = model(
        input_ids=torch.zeros(batch, shape.sequence_length or 1, dtype=torch.long),
        pixel_values=torch.empty(batch, *_image(model.config.vision_config, shape)),
    )
    logits: torch.Tensor = outputs.logits_per_image
    return logits.sum()


def run_vision_language(model: Any, shape: StepShape) -> torch.Tensor:
    """Run the parts of a vision-language model separately, because inserting image features needs data."""
    import torch

    batch, length = int(shape.sequences), shape.sequence_length or 1
    image = _image(model.config.vision_config, shape)
    if model.config.model_type == "mistral3":  # its function reads the image sizes from data
        sizes = [image[1:]] * batch
        hidden = model.model.vision_tower(torch.empty(batch, *image), image_sizes=sizes).last_hidden_state
        features = model.model.multi_modal_projector(hidden.squeeze(0), sizes)
    else:
        features = model.model.get_image_features(torch.empty(batch, *image))
    features = getattr(features, "pooler_output", features)
    seen = sum(part.sum() for part in features) if isinstance(features, (list, tuple)) else features.sum()
    total: torch.Tensor = _read(model, batch, length) + seen
    return total


def run_llama4(model: Any, shape: StepShape) -> torch.Tensor:
    """Run the parts of Llama 4, which are one level higher than in other models."""
    import torch

    batch, length = int(shape.sequences), shape.sequence_length or 1
    seen = model.vision_model(
        torch.empty(batch, *_image(model.config.vision_config, shape))
    ).last_hidden_state
    embedded = model.get_input_embeddings()(torch.zeros(batch, length, dtype=torch.long))
    mask = torch.ones(batch, length, dtype=torch.long)
    logits = model.language_model(inputs_embeds=embedded, attention_mask=mask, use_cache=False).logits
    total: torch.Tensor = logits.sum() + model.multi_modal_projector(seen).sum()
    return total


def run_qwen_vision_language(model: Any, shape: StepShape) -> torch.Tensor:
    """Run the parts of a Qwen vision-language model, with given bounds of the patches' attention."""
    config = model.config.vision_config
    batch, length = int(shape.sequences), shape.sequence_length or 1
    patches, known = grid_arguments(config, batch, (shape.image_size or 1) // config.patch_size)
    outputs = model.model.visual(patches, **known)
    features = [outputs.pooler_output, *getattr(outputs, "deepstack_features", [])]
    seen: torch.Tensor = sum(feature.sum() for feature in features)
    return seen + _read(model, batch, length)


def grid_arguments(config: Any, batch: int, side: int) -> tuple[torch.Tensor, dict[str, Any]]:
    """The patches of images with ``side`` patches a side, and what a tower computes from their values."""
    import torch
    from transformers import vision_utils

    with torch.device("cpu"):  # a few small tensors need real data
        grids = torch.tensor([[1, side, side]] * batch)
        known = {"cu_seqlens": torch.arange(0, (batch + 1) * side**2, side**2, dtype=torch.int32)}
        if hasattr(config, "window_size"):
            order, known["cu_window_seqlens"] = vision_utils.get_vision_window_index(
                grids,
                spatial_merge_size=config.spatial_merge_size,
                window_size=config.window_size,
                patch_size=config.patch_size,
            )
    patches = batch * side**2
    if hasattr(config, "window_size"):
        known["window_index"] = order.to("meta")
    if hasattr(config, "num_position_embeddings"):
        known["interp_indices"] = torch.zeros(patches, 4, dtype=torch.long)
        known["interp_weights"] = torch.empty(patches, 4)
    taps = config.temporal_patch_size * config.patch_size**2
    return torch.empty(patches, config.in_channels * taps), {
        "grid_thw": grids,
        "position_ids": torch.zeros(patches, 2, dtype=torch.long),
        "max_seqlen": side**2,
        "max_window_seqlen": side**2,
        **known,
    }


def _read(model: Any, batch: int, length: int) -> torch.Tensor:
    """Run a decoder on embeddings, as for words and images together."""
    import torch

    embedded = model.get_input_embeddings()(torch.zeros(batch, length, dtype=torch.long))
    hidden = model.model.language_model(
        inputs_embeds=embedded, attention_mask=torch.ones(batch, length, dtype=torch.long), use_cache=False
    ).last_hidden_state
    total: torch.Tensor = model.lm_head(hidden).sum()
    return total


def scalar(outputs: Mapping[str, Any]) -> torch.Tensor:
    """A scalar that depends on all predictions of the model."""
    import torch

    found = {
        name: value
        for name, value in outputs.items()
        if isinstance(value, torch.Tensor) and value.requires_grad and name not in _SKIPPED_OUTPUTS
    }
    logits = [value for name, value in found.items() if "logits" in name]
    total: torch.Tensor = sum(value.sum() for value in logits or found.values())  # type: ignore[assignment]
    return total


def _inputs(model: torch.nn.Module, shape: StepShape, masked: bool) -> dict[str, Any]:
    """Tensors without data for the arguments of ``forward`` that a model of this kind needs."""
    import inspect

    import torch

    accepted = inspect.signature(model.forward).parameters
    config: Any = model.config
    batch, length = int(shape.sequences), shape.sequence_length or 1
    inputs: dict[str, Any] = {}
    images_only = "input_ids" not in accepted or getattr(model, "main_input_name", "") == "pixel_values"
    if "pixel_values" in accepted and images_only:
        inputs["pixel_values"] = torch.empty(batch, *_image(config, shape))
    elif "input_features" in accepted:
        inputs["input_features"] = torch.empty(batch, _mel_bins(config), length)
    elif "input_values" in accepted:
        bins = getattr(config, "num_mel_bins", None)  # the input is a spectrogram if set, else a wave
        inputs["input_values"] = torch.empty(*((batch, config.max_length, bins) if bins else (batch, length)))
    else:
        inputs["input_ids"] = torch.zeros(batch, length, dtype=torch.long)
        if masked and "attention_mask" in accepted:
            inputs["attention_mask"] = torch.ones(batch, length, dtype=torch.long)
        if "bbox" in accepted:
            inputs["bbox"] = torch.zeros(batch, length, 4, dtype=torch.long)
        if "pixel_values" in accepted and hasattr(config, "vision_config"):
            inputs["pixel_values"] = torch.empty(batch, *_image(config.vision_config, shape))
    if "decoder_input_ids" in accepted:
        inputs["decoder_input_ids"] = torch.zeros(batch, shape.target_sequence_length or 1, dtype=torch.long)
    if "use_cache" in accepted:
        inputs["use_cache"] = False
    return inputs


def _mel_bins(config: Any) -> int:
    """Number of rows of a spectrogram, from the config or its audio part."""
    parts = (config, *(getattr(config, f"{name}_config", None) for name in ("audio", "encoder", "speech")))
    found = [bins for part in parts if (bins := getattr(part, "num_mel_bins", None))]
    if not found:
        raise ValueError("the config does not say how many rows its spectrograms have")
    return int(found[0])


def _image(config: Any, shape: StepShape) -> tuple[int, int, int]:
    size = shape.image_size or getattr(config, "image_size", None) or 224
    height, width = size if isinstance(size, (list, tuple)) else (size, size)
    return getattr(config, "num_channels", 3), height, width
