"""LLaVA, PaliGemma, Gemma 3: a vision tower, a projector, and a decoder that reads both.

``sequence_length`` counts every position of the decoder, image tokens included; each sequence
carries ``images_per_sequence`` images (a key of ours; 1 unless given).
"""

from __future__ import annotations

from footprint.flops.blocks import activation, parameters_only
from footprint.flops.defaults import part
from footprint.flops.families.clip import image_tower
from footprint.flops.fields import Fields
from footprint.flops.operations import EMBEDDING, NORM, Layer, Model, Number, Operation, Pointwise, linear
from footprint.flops.registry import family
from footprint.flops.shapes import required_length
from footprint.flops.vision import grid, image_sides
from footprint.schema import StepShape

MODEL_TYPES = ("llava", "paligemma", "gemma3")
_TEXT = {"llava": "llama", "paligemma": "gemma", "gemma3": "gemma3_text"}
_VISION = {"llava": "clip_vision_model", "paligemma": "siglip_vision_model", "gemma3": "siglip_vision_model"}
_TIED = {"llava": False, "paligemma": True, "gemma3": True}


def build(fields: Fields, shape: StepShape, objective: str) -> Model:
    """The operation list of a vision-language model."""
    model_type = fields.text("model_type")
    text = part(fields, "text_config", _TEXT[model_type])
    vision = part(fields, "vision_config", _VISION[model_type])
    if vision.text("model_type") not in ("clip_vision_model", "siglip_vision_model"):
        raise vision.error(
            "model_type", "must be clip_vision_model or siglip_vision_model to be counted by formula"
        )
    # the outer config decides whether the head is tied
    tied = fields.flag("tie_word_embeddings", default=_TIED[model_type])
    text = Fields({**text.values, "tie_word_embeddings": tied}, text.path, text.depth)
    module = family(text.text("model_type"))
    if module is None or text.text("model_type") in MODEL_TYPES:
        raise text.error("model_type", "is no decoder that is counted by formula")
    decoder = module.build(text, shape, objective)
    images = shape.sequences * fields.size("images_per_sequence", default=1, maximum=10_000)
    image = image_sides(vision, shape)
    used = None
    if model_type == "llava":
        used = _used_layers(fields, vision)
    stages, width = image_tower(vision, images, image, pooled=False, layers=used)
    patches = _patches(vision, image)
    tokens, projector = {"llava": _llava, "paligemma": _paligemma, "gemma3": _gemma}[model_type](
        fields, images, patches, width, text.size("hidden_size")
    )
    room = required_length(shape) * shape.sequences
    if images * tokens > room:
        raise fields.error("vision_config", f"gives {tokens} tokens an image, more than the sequence has")
    if used is not None:  # the blocks above the features are there, but nothing reads them
        block = sum(operation.parameters for operation in stages[1][0].operations)
        unused = (vision.layers("num_hidden_layers") - used) * block + 2 * width
        projector.append(parameters_only("unused vision layers", unused, "unused"))
    bridge = Layer(part="projector", operations=tuple(projector), carries=("x",), checkpointed=False)
    return Model(
        family="vision-language",
        stages=(*stages, (bridge,), *decoder.stages),
        samples=decoder.samples,
        tokens=decoder.tokens,
        lora_targets=decoder.lora_targets,
    )


def _patches(vision: Fields, image: tuple[int, int]) -> int:
    rows, columns = grid(vision, image, vision.size("patch_size"))
    return rows * columns


def _used_layers(fields: Fields, vision: Fields) -> int:
    """Blocks up to ``vision_feature_layer``, which counts from the end (-2: all but the last)."""
    layers = vision.layers("num_hidden_layers")
    _, layer = fields.raw("vision_feature_layer", default=-2)
    if type(layer) is not int or not -layers <= layer <= layers:
        raise fields.error("vision_feature_layer", f"must be a layer number from {-layers} to {layers}")
    return layer if layer >= 0 else layers + 1 + layer


def _llava(
    fields: Fields, images: Number, patches: int, width: int, text: int
) -> tuple[int, list[Operation]]:
    tokens = patches
    if fields.text("vision_feature_select_strategy", default="default") == "full":
        tokens += 1
    rows = images * tokens
    bias = fields.flag("multimodal_projector_bias", default=True)
    return tokens, [
        linear("projector.linear_1", EMBEDDING, "v", "p", rows, width, text, bias=bias),
        activation("p", "p1", rows * text),
        linear("projector.linear_2", EMBEDDING, "p1", "x", rows, text, text, bias=bias),
    ]


def _paligemma(_: Fields, images: Number, patches: int, width: int, text: int) -> tuple[int, list[Operation]]:
    return patches, [linear("projector", EMBEDDING, "v", "x", images * patches, width, text, bias=True)]


def _gemma(
    fields: Fields, images: Number, patches: int, width: int, text: int
) -> tuple[int, list[Operation]]:
    tokens = fields.size("mm_tokens_per_image", default=256)
    if tokens > patches:
        raise fields.error("mm_tokens_per_image", f"= {tokens} exceeds the {patches} patches of an image")
    rows = images * tokens
    norm = Pointwise(
        name="mm_soft_emb_norm",
        component=NORM,
        inputs=("v",),
        output="p",
        parameters=width,
        saved=rows * width,
    )
    return tokens, [norm, linear("mm_input_projection", EMBEDDING, "p", "x", rows, width, text)]
