"""Inputs without data for models of other modalities: sound, films, patches with a grid, series of numbers.

Each argument of ``forward`` that this file knows by name, and that the model requires or reads first, gets
a tensor of the sizes of its config. What a config leaves open (bins before frames, or after) is a style.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from footprint.flops.torch.dummy_inputs import grid_arguments, scalar

if TYPE_CHECKING:
    import torch

    from footprint.flops.torch.dummy_inputs import Run
    from footprint.schema import StepShape

STYLES = ("bins first", "frames first", "padded")
"""Order of a spectrogram's axes; ``padded`` is 3,000 frames, which some models insist on."""
FRAMES, PADDED, SECOND = 256, 3000, 16_000
"""Frames of a spectrogram, those of 30 s, and samples of a second of sound."""
SERIES, AHEAD = 64, 24
"""Time steps of a series, and those to predict."""
PATCHES = 16
"""Patches along a side of an image that is given as patches."""


def modal_runner(style: str) -> Run:
    """A function that runs a model on inputs of its modality."""

    def run(model: Any, shape: StepShape) -> torch.Tensor:
        accepted = inspect.signature(model.forward).parameters
        if {"hidden_states", "grid_thw"} <= set(accepted):
            patches, known = grid_arguments(model.config, int(shape.sequences), PATCHES)
            return scalar(model(patches, **known))
        return scalar(model(**modal_inputs(model, shape, style)))

    return run


def modal_inputs(model: Any, shape: StepShape, style: str) -> dict[str, Any]:
    """Tensors for the arguments that a model requires or reads first; ValueError if one is not known."""
    accepted = inspect.signature(model.forward).parameters
    required = [
        name
        for name, one in accepted.items()
        if one.default is inspect.Parameter.empty and one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    first = getattr(model, "main_input_name", "")
    known = _Known(model.config, shape, style)
    wanted = dict.fromkeys([*required, *([first] if first in accepted else [])])
    for name in tuple(wanted):
        wanted.update(dict.fromkeys(other for other in _TOGETHER.get(name, ()) if other in accepted))
    unknown = [name for name in wanted if name not in _MAKERS]
    if unknown:
        raise ValueError(f"no input is known for {', '.join(unknown)}")
    if model.config.is_encoder_decoder and "decoder_input_ids" in accepted:
        wanted["decoder_input_ids"] = None
    inputs = {name: _MAKERS[name](known) for name in wanted}
    if "use_cache" in accepted:
        inputs["use_cache"] = False
    return inputs


_TOGETHER: dict[str, tuple[str, ...]] = {
    "past_values": ("past_time_features", "past_observed_mask", "future_values", "future_time_features"),
    "query_embeds": ("encoder_hidden_states",),
    "input_features": ("input_features_mask", "feature_lens"),
    "states": ("actions", "rewards", "returns_to_go", "timesteps"),
    "input_ids": ("pixel_values", "bbox", "visual_feats", "visual_pos", "input_features"),
    "pixel_values": ("input_ids", "pixel_attention_mask", "spatial_shapes"),
}
"""Arguments that are given with another where the model has them."""


class _Known:
    """The sizes of a config and its parts, and tensors of them."""

    def __init__(self, config: Any, shape: StepShape, style: str) -> None:
        self.config, self.shape, self.style = config, shape, style
        self.batch = int(shape.sequences)
        parts = (
            "vision_config", "audio_config", "encoder", "encoder_config", "speech_config", "image_config",
            "backbone_config", "text_config",
        )  # fmt: skip
        found = (getattr(config, name, None) for name in parts)
        self.parts = [config, *(one for one in found if hasattr(one, "to_dict"))]

    def size(self, *names: str, usual: int | None = None) -> int:
        """The first whole number that the config or a part of it has under one of the names."""
        for name in names:
            for part in self.parts:
                value = getattr(part, name, None)
                value = value[0] if isinstance(value, (list, tuple)) and value else value
                if type(value) is int and value > 0:
                    return value
        if usual is None:
            raise ValueError(f"the config has no {names[0]}")
        return usual

    @property
    def length(self) -> int:
        """Tokens as asked for, else no more than there are positions."""
        return self.shape.sequence_length or min(64, self.size("max_position_embeddings", usual=64))

    def image(self) -> tuple[int, int, int]:
        side = self.shape.image_size or self.size("image_size", "img_size", "crop_size", usual=224)
        return self.size("num_channels", "in_channels", "in_chans", usual=3), side, side

    def floats(self, *sizes: int) -> Any:
        import torch

        return torch.empty(self.batch, *sizes)

    def zeros(self, *sizes: int) -> Any:
        import torch

        return torch.zeros(self.batch, *sizes, dtype=torch.long)

    def film(self) -> Any:
        """Images in a row."""
        return self.floats(self.size("num_frames", "frames_per_clip", "video_length", usual=8), *self.image())

    def pictures(self) -> Any:
        """An image, or a film where the model looks at frames."""
        films = any(getattr(part, name, None) for part in self.parts for name in _OF_FILMS)
        if "siglip2" in self.config.model_type:
            return self.patches()
        return self.film() if films else self.floats(*self.image())

    def patches(self) -> Any:
        """An image that is cut into patches, one vector each."""
        channels = self.size("num_channels", "in_channels", "in_chans", usual=3)
        return self.floats(PATCHES**2, channels * self.size("patch_size", usual=16) ** 2)

    def grid(self) -> Any:
        """The sizes of the images in patches, with their values."""
        import torch

        with torch.device("cpu"):
            return torch.tensor([[1, PATCHES, PATCHES]] * self.batch)

    def spectrogram(self) -> Any:
        """Sound as bins and frames, in the order of the style."""
        bins = self.size(
            "num_mel_bins", "input_feat_per_channel", "feature_size", "n_mels", "input_dim",
            "feature_projection_input_dim", "input_feat_size", usual=80,
        )  # fmt: skip
        frames = self.frames()
        return self.floats(*((frames, bins) if self.style == "frames first" else (bins, frames)))

    def frames(self) -> int:
        return PADDED if self.style == "padded" else FRAMES

    def wave(self) -> Any:
        """A second of sound; with a channel for models that read several."""
        channels = self.size("audio_channels", usual=1)
        return self.floats(SECOND) if self.style == "bins first" else self.floats(channels, SECOND)

    def ones(self, *sizes: int) -> Any:
        import torch

        return torch.ones(self.batch, *sizes, dtype=torch.long)

    def series(self, steps: int) -> Any:
        """A series of numbers, of several channels where the config has them."""
        channels = self.size("num_input_channels", "input_size", usual=1)
        many = channels > 1 or hasattr(self.config, "num_input_channels")
        return self.floats(steps, channels) if many else self.floats(steps)

    def past(self) -> int:
        """Time steps that are read: the context, and the earliest lag before it."""
        context = self.size("context_length", "prediction_length", usual=SERIES)
        lags = getattr(self.config, "lags_sequence", None)
        return context + (max(lags) if isinstance(lags, (list, tuple)) and lags else 0)

    def ahead(self) -> int:
        return self.size("prediction_length", "horizon_length", usual=AHEAD)

    def times(self, steps: int) -> Any:
        return self.floats(steps, max(1, getattr(self.config, "num_time_features", 0) or 0))


_OF_FILMS = ("num_frames", "tubelet_size", "frames_per_clip")
_MAKERS: dict[str, Callable[[_Known], Any]] = {
    "input_ids": lambda known: known.zeros(known.length),
    "decoder_input_ids": lambda known: known.zeros(known.shape.target_sequence_length or 8),
    "attention_mask": lambda known: known.ones(known.length),
    "bbox": lambda known: known.zeros(known.length, 4),
    "pixel_values": _Known.pictures,
    "pixel_values_videos": _Known.film,
    "encoder_hidden_states": lambda known: known.floats(
        PATCHES**2, known.size("encoder_hidden_size", usual=known.size("hidden_size"))
    ),
    "grid_thw": _Known.grid,
    "image_grid_thw": _Known.grid,
    "pixel_attention_mask": lambda known: known.ones(PATCHES**2),
    "spatial_shapes": lambda known: known.grid()[:, 1:],
    "flattened_patches": lambda known: known.floats(
        PATCHES**2, 2 + 3 * known.size("patch_size", usual=16) ** 2
    ),
    "input_features": _Known.spectrogram,
    "audio_mel": lambda known: known.floats(known.frames(), known.size("input_feat_size", usual=128)),
    "audio_mel_mask": lambda known: known.ones(known.frames()).bool(),
    "input_features_mask": lambda known: known.ones(known.frames()),
    "feature_lens": lambda known: known.ones(1).flatten() * known.frames(),
    "input_values": _Known.wave,
    "audio_values": _Known.wave,
    "latents": lambda known: known.floats(FRAMES, known.size("hidden_size")),
    "past_values": lambda known: known.series(known.past()),
    "past_observed_mask": lambda known: known.series(known.past()),
    "past_values_padding": lambda known: known.zeros(known.past()),
    "freq": lambda known: known.zeros(1),
    "past_time_features": lambda known: known.times(known.past()),
    "future_values": lambda known: known.series(known.ahead()),
    "future_time_features": lambda known: known.times(known.ahead()),
    "visual_feats": lambda known: known.floats(36, known.size("visual_feat_dim", usual=2048)),
    "visual_pos": lambda known: known.floats(36, known.size("visual_pos_dim", usual=4)),
    "query_embeds": lambda known: known.floats(32, known.size("hidden_size")),
    "states": lambda known: known.floats(SERIES, known.size("state_dim")),
    "actions": lambda known: known.floats(SERIES, known.size("act_dim")),
    "rewards": lambda known: known.floats(SERIES, 1),
    "returns_to_go": lambda known: known.floats(SERIES, 1),
    "timesteps": lambda known: known.zeros(SERIES),
}
