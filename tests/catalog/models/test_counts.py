"""Published parameter counts against Hugging Face's own classes, built without memory."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest

from footprint.catalog.models import all_models
from footprint.flops.count import count_step
from footprint.flops.registry import family
from footprint.schema import ModelConfig, Phase, StepShape
from tests.flops.kept import PARAMETERS

MODELS = {model.id: model for model in all_models()}
ANNOUNCED = 0.03
"""Makers round, and count or leave out positions, poolers and heads."""
CLASSES = {
    "bert": "BertForPreTraining", "roberta": "RobertaForMaskedLM", "albert": "AlbertModel",
    "distilbert": "DistilBertForMaskedLM", "electra": "ElectraForPreTraining",
    "t5": "T5ForConditionalGeneration", "switch_transformers": "SwitchTransformersForConditionalGeneration",
    "marian": "MarianMTModel", "whisper": "WhisperForConditionalGeneration",
    "vit": "ViTForImageClassification", "resnet": "ResNetForImageClassification", "clip": "CLIPModel",
    "mistral4": "Mistral4ForCausalLM", "deberta-v2": "DebertaV2ForMaskedLM", "hubert": "HubertModel",
    "wav2vec2": "Wav2Vec2ForPreTraining", "segformer": "SegformerForSemanticSegmentation",
}  # fmt: skip
PADDING = {"marian": {"pad_token_id": 0, "decoder_start_token_id": 0, "eos_token_id": 0, "bos_token_id": 0}}
BY_HAND = ("elmo", "gopher")
"""Types that Hugging Face does not have."""
TOO_MANY_MODULES = ("switch-c",)
"""61,440 experts take minutes to build."""
ALWAYS = ("bert-base", "deepseek-v3", "llama2-7b", "mixtral-8x7b", "t5-small", "vit-base-16", "whisper-small")
"""Built in each run of the tests; what was counted of the others is kept (tests/flops/kept.py)."""


def half_a_digit(count: float) -> float:
    """Half a unit of the last digit of a number printed with two digits, as a share of it."""
    return 0.5 * 10 ** (math.floor(math.log10(count)) - 1) / count


def huggingface_count(model: ModelConfig) -> int:
    """Parameters of Hugging Face's class of the config, on the meta device."""
    import torch
    import transformers

    config = dict(model.config)
    model_type = config.pop("model_type")
    built = transformers.AutoConfig.for_model(model_type, **config, **PADDING.get(model_type, {}))
    name = CLASSES.get(model_type)
    cls: Any = getattr(transformers, name) if name else transformers.AutoModelForCausalLM
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = cls(built) if name else cls.from_config(built)
    network.tie_weights()
    return sum(parameter.numel() for parameter in {id(p): p for p in network.parameters()}.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "model_id",
    [
        m.id
        for m in MODELS.values()
        if m.parameters and m.config["model_type"] not in BY_HAND and m.id not in TOO_MANY_MODULES
    ],
)
def test_the_published_count_is_huggingfaces(model_id: str) -> None:
    model = MODELS[model_id]
    assert model.parameters is not None
    tolerance = max(ANNOUNCED, half_a_digit(model.parameters))
    if model_id in ALWAYS:
        found = huggingface_count(model)
    else:
        question = [dict(model.config), CLASSES.get(model.config["model_type"])]
        (found,) = PARAMETERS.answer(model_id, question, lambda: [huggingface_count(model)])
    assert found == pytest.approx(model.parameters, rel=tolerance)


@pytest.mark.parametrize("model_id", ["gopher-280b", "chinchilla-70b"])
def test_gophers_count_includes_the_projection_of_relative_positions(model_id: str) -> None:
    """13 d^2 a layer: 4 in attention, 1 for the positions (Transformer-XL), 8 in the MLP."""
    config = MODELS[model_id].config
    width, layers = config["hidden_size"], config["num_hidden_layers"]
    assert config["intermediate_size"] == 4 * width
    assert config["head_dim"] * config["num_attention_heads"] == width
    count = 13 * layers * width**2 + config["vocab_size"] * width
    assert count == pytest.approx(MODELS[model_id].parameters, rel=0.002)


def test_switch_c_counts_as_its_experts() -> None:
    config = MODELS["switch-c"].config
    expert = 2 * config["d_model"] * config["d_ff"]
    layers = config["num_sparse_encoder_layers"] + config["num_sparse_decoder_layers"]
    assert layers * config["num_experts"] * expert == pytest.approx(1571e9, rel=0.002)


def test_elmo_counts_as_the_weights_file() -> None:
    """Without the softmax: character CNN, highways, projection, and two LSTM layers in each direction."""
    config = MODELS["elmo"].config
    cnn, lstm = config["char_cnn"], config["lstm"]
    filters = sum(number for _, number in cnn["filters"])
    characters = cnn["n_characters"] * cnn["embedding"]["dim"]
    convolutions = sum(width * cnn["embedding"]["dim"] * number + number for width, number in cnn["filters"])
    highways = cnn["n_highway"] * 2 * (filters + 1) * filters
    projection = (filters + 1) * lstm["projection_dim"]
    cell = (2 * lstm["projection_dim"] + 1) * 4 * lstm["dim"] + lstm["dim"] * lstm["projection_dim"]
    layers = 2 * lstm["n_layers"] * cell
    assert filters == 2048
    assert characters + convolutions + highways + projection + layers == pytest.approx(
        MODELS["elmo"].parameters, rel=0.005
    )


@pytest.mark.parametrize("model_id", [m.id for m in MODELS.values() if m.parameters])
def test_our_count_is_the_published_one(model_id: str) -> None:
    """The operation list's parameters, with the recipe's own data and objective."""
    model = MODELS[model_id]
    recipe, parameters = model.recipe, model.parameters
    assert recipe is not None
    assert parameters is not None
    assert family(model.config["model_type"]) is not None, "counted by torch only"
    phase = recipe.phases[0] if recipe.phases else Phase(sequence_length=512)
    shape = StepShape(
        sequences=phase.sequences_per_step or 8,
        sequence_length=phase.sequence_length,
        target_sequence_length=phase.target_sequence_length,
        predicted_positions=phase.predicted_positions,
        image_size=phase.image_size,
    )
    counted = count_step(model.config, shape, objective=recipe.objective).parameters.total
    tolerance = max(ANNOUNCED, half_a_digit(parameters))
    assert counted == pytest.approx(parameters, rel=tolerance)


# Models whose facts are the defaults of the library's config classes, but for the keys named here:
# what the classes lack, and lengths that later editions extended.
EXACT = (
    "bert-base distilbert-base electra-small gemma-7b gemma2-2b gpt-j-6b gpt-neox-20b gpt1 gpt2 llama1-7b "
    "olmo-7b opt-125m t5-small"
)
DEFAULTS = dict.fromkeys(EXACT.split(), ()) | {
    "falcon-7b": ("num_kv_heads",),
    "vit-base-16": ("num_labels",),
    "deepseek-v3": ("max_position_embeddings",),
    "mistral-7b": ("max_position_embeddings",),
    "mixtral-8x7b": ("max_position_embeddings",),
}


@pytest.mark.slow
@pytest.mark.parametrize(("model_id", "aside"), DEFAULTS.items())
def test_a_config_is_huggingfaces_default(model_id: str, aside: tuple[str, ...]) -> None:
    import transformers

    config = dict(MODELS[model_id].config)
    default = transformers.AutoConfig.for_model(config.pop("model_type"))
    for key in aside:
        del config[key]
    assert len(config) >= 5
    assert config == {key: getattr(default, key) for key in config}
