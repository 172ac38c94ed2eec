"""LLaVA, PaliGemma, Gemma 3: a vision tower, a projector, and a decoder that reads both.

``sequence_length`` counts every position of the decoder, including image tokens. Each sequence has
``images_per_sequence`` images (a key of this program; 1 by default).
"""

from __future__ import annotations

from footprint.flops.blocks.pieces import activation, parameters_only
from footprint.flops.blocks.vision import grid, image_sides
from footprint.flops.config.defaults import part
from footprint.flops.config.fields import Fields
from footprint.flops.config.shapes import required_length
from footprint.flops.families.clip import image_tower
from footprint.flops.operations import EMBEDDING, Layer, Model, Number, Operation, Stage, linear, norm
from footprint.flops.registry import family
from footprint.records import replace
from footprint.schema import StepShape

MODEL_TYPES = ("llava", "paligemma", "gemma3")
_TEXT = {"llava": "llama", "paligemma": "gemma", "gemma3": "gemma3_text"}
_VISION = {"llava": "clip_vision_model", "paligemma": "siglip_vision_model", "gemma3": "siglip_vision_model"}
_TIED = {"llava": False, "paligemma": True, "gemma3": True}


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a vision-language model."""
    model_type = fields.text("model_type")
    vision = part(fields, "vision_config", _VISION[model_type])
    if vision.text("model_type") not in ("clip_vision_model", "siglip_vision_model"):
        raise vision.error(
            "model_type", "must be clip_vision_model or siglip_vision_model to be counted by formula"
        )
    text, decoder = decoder_of(fields, shape, objective, usual=_TEXT[model_type], tied=_TIED[model_type])
    image = image_sides(vision, shape)
    used = None
    if model_type == "llava":
        used = _used_layers(fields, vision)
    tokens = _tokens(fields, vision, image)
    images = image_count(fields, shape, tokens)
    stages, width = image_tower(vision, images, image, pooled=False, layers=used)
    project = {"llava": _llava, "paligemma": _paligemma, "gemma3": _gemma}[model_type]
    projector = project(fields, images * tokens, width, text.size("hidden_size"))
    if used is not None:  # the later blocks have parameters, but the step does not run them
        block = sum(operation.parameters for operation in stages[1][0].operations)
        unused = (vision.layers("num_hidden_layers") - used) * block + 2 * width
        projector.append(parameters_only("unused vision layers", unused, "unused"))
    return bridged(stages, projector, decoder)


def decoder_of(
    fields: Fields, shape: StepShape, objective: str, *, usual: str, tied: bool
) -> tuple[Fields, Model]:
    """The text part and its operation list; the outer config sets whether the head is tied."""
    text = part(fields, "text_config", usual)
    head = fields.flag("tie_word_embeddings", default=tied)
    text = Fields({**text.values, "tie_word_embeddings": head}, text.path, text.depth)
    module = family(text.text("model_type"))
    if module is None or "text_config" in text:
        raise text.error("model_type", "is no decoder that is counted by formula")
    return text, module.build(text, shape, objective)


def image_count(fields: Fields, shape: StepShape, tokens: int) -> Number:
    """Number of images in the step; FootprintError if their tokens exceed the sequences."""
    images = shape.sequences * fields.size("images_per_sequence", default=1, maximum=10_000)
    if images * tokens > required_length(shape) * shape.sequences:
        raise fields.error("vision_config", f"gives {tokens} tokens an image, more than the sequence has")
    return images


def bridged(tower: tuple[Stage, ...], projector: list[Operation], decoder: Model) -> Model:
    """The model of a tower, a projector and a decoder."""
    bridge = Layer(part="projector", operations=tuple(projector), carries=("x",), checkpointed=False)
    return replace(decoder, family="vision-language", stages=(*tower, (bridge,), *decoder.stages))


def _tokens(fields: Fields, vision: Fields, image: tuple[int, int]) -> int:
    """Number of decoder tokens per image."""
    rows, columns = grid(vision, image, vision.size("patch_size"))
    patches = rows * columns
    model_type = fields.text("model_type")
    if model_type == "gemma3":
        tokens = fields.size("mm_tokens_per_image", default=256)
        if tokens > patches:
            raise fields.error("mm_tokens_per_image", f"= {tokens} exceeds the {patches} patches of an image")
        return tokens
    every = (
        model_type == "llava" and fields.text("vision_feature_select_strategy", default="default") == "full"
    )
    return patches + every


def _used_layers(fields: Fields, vision: Fields) -> int:
    """Number of blocks up to ``vision_feature_layer``; -2 means all but the last."""
    layers = vision.layers("num_hidden_layers")
    _, layer = fields.raw("vision_feature_layer", default=-2)
    if type(layer) is not int or not -layers <= layer <= layers:
        raise fields.error("vision_feature_layer", f"must be a layer number from {-layers} to {layers}")
    return layer if layer >= 0 else layers + 1 + layer


def _llava(fields: Fields, rows: Number, width: int, text: int) -> list[Operation]:
    bias = fields.flag("multimodal_projector_bias", default=True)
    return [
        linear("projector.linear_1", EMBEDDING, "v", "p", rows, width, text, bias=bias),
        activation("p", "p1", rows * text),
        linear("projector.linear_2", EMBEDDING, "p1", "x", rows, text, text, bias=bias),
    ]


def _paligemma(_: Fields, rows: Number, width: int, text: int) -> list[Operation]:
    return [linear("projector", EMBEDDING, "v", "x", rows, width, text, bias=True)]


def _gemma(_: Fields, rows: Number, width: int, text: int) -> list[Operation]:
    return [
        norm("mm_soft_emb_norm", "v", "p", rows, width),
        linear("mm_input_projection", EMBEDDING, "p", "x", rows, width, text),
    ]
