"""Missing, contradictory and hostile configs: one clear error that names the field, never a traceback."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footprint.errors import FootprintError, UnknownNameError
from footprint.flops import ConfigError, count_step, model_families
from footprint.schema import StepShape
from tests.flops.small_configs import DECODERS, ENCODERS, GROUPED, IMAGES, PATCHES, SEQ2SEQS, VISION_LANGUAGE

SHAPE = StepShape(sequences=2, sequence_length=33, target_sequence_length=13)
LLAMA = {"model_type": "llama", **GROUPED}
EVERY: list[dict[str, Any]] = [
    *DECODERS,
    *(config for _, config in ENCODERS[:12]),
    *SEQ2SEQS,
    *(config for _, config in IMAGES),
    *VISION_LANGUAGE,
    {
        "model_type": "elmo",
        "bidirectional": True,
        "n_tokens_vocab": 100,
        "n_negative_samples_batch": 8,
        "lstm": {"dim": 16, "projection_dim": 8, "n_layers": 2},
        "char_cnn": {
            "n_characters": 10,
            "max_characters_per_token": 6,
            "embedding": {"dim": 4},
            "n_highway": 1,
            "filters": [[1, 4], [2, 8]],
        },
    },
    {
        "model_type": "dit",
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "sample_size": 8,
    },
    {"model_type": "clip", "text_config": {}, "vision_config": {"image_size": 32, "patch_size": 16}},
    {
        "model_type": "llava",
        "text_config": {"model_type": "llama"},
        "vision_config": {"image_size": 28, "patch_size": 14},
    },
    {
        "model_type": "whisper",
        "d_model": 16,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 8,
        "decoder_ffn_dim": 8,
        "num_mel_bins": 4,
        "vocab_size": 9,
    },
]


def shape_for(config: dict[str, Any]) -> StepShape:
    """The step of a config: vision-language models need a size of image and room for its tokens."""
    if config in VISION_LANGUAGE:
        side = 112 if config["model_type"] == "llama4" else 280
        return StepShape(sequences=2, sequence_length=150, image_size=side)
    return SHAPE


HOSTILE = [
    -1,
    0,
    10**12,
    10**400,
    10**5000,
    True,
    "768",
    "",
    "nan",
    math.nan,
    math.inf,
    -math.inf,
    1.5,
    1e300,
    None,
    [],
    {},
    [[]],
    {"a": {"b": {"c": {"d": {"e": {}}}}}},
    [1, 2, 3],
    b"x",
]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"num_attention_heads": 7}, "num_attention_heads"),
        ({"num_key_value_heads": 3}, "num_attention_heads"),
        ({"head_dim": None, "hidden_size": 250}, "hidden_size"),
        ({"hidden_size": -256}, "hidden_size"),
        ({"hidden_size": 0}, "hidden_size"),
        ({"hidden_size": "256"}, "hidden_size"),
        ({"hidden_size": True}, "hidden_size"),
        ({"hidden_size": 256.5}, "hidden_size"),
        ({"hidden_size": math.nan}, "hidden_size"),
        ({"num_hidden_layers": 10**12}, "num_hidden_layers"),
        ({"num_hidden_layers": None}, "num_hidden_layers"),
        ({"vocab_size": None}, "vocab_size"),
        ({"intermediate_size": [640]}, "intermediate_size"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings"),
        ({"attention_dropout": "a lot"}, "attention_dropout"),
    ],
)
def test_the_error_names_the_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError, match=rf"config\.{field}"):
        count_step({**LLAMA, **change}, SHAPE)


def test_whole_numbers_may_be_written_with_a_point() -> None:
    assert count_step({**LLAMA, "hidden_size": 256.0}, SHAPE) == count_step(LLAMA, SHAPE)


def test_nested_fields_are_named_by_their_path() -> None:
    config = {"model_type": "clip", "text_config": {"hidden_size": 65}, "vision_config": {}}
    with pytest.raises(ConfigError, match=r"config\.text_config\.hidden_size = 65 is not a multiple of"):
        count_step(config, SHAPE)
    with pytest.raises(ConfigError, match=r"config\.vision_config must be a table"):
        count_step({"model_type": "clip", "text_config": {}, "vision_config": "vit"}, SHAPE)


@pytest.mark.parametrize("field", ["fullatt_block_indexes", "deepstack_visual_indexes"])
def test_layers_of_a_vision_tower_are_not_guessed(field: str) -> None:
    """Which layers see the whole image decides what the tower costs: no default would be right."""
    (config, *_) = [c for c in VISION_LANGUAGE if field in c["vision_config"]]
    without = {name: value for name, value in config["vision_config"].items() if name != field}
    with pytest.raises(ConfigError, match=f"vision_config.*{field}"):
        count_step(
            {**config, "vision_config": without}, StepShape(sequences=2, sequence_length=300, image_size=224)
        )


def test_layer_lists_must_fit_the_layers() -> None:
    config = {"model_type": "gemma3_text", **GROUPED, "sliding_window": 8, "layer_types": ["full_attention"]}
    with pytest.raises(ConfigError, match=r"config\.layer_types must have 3 entries, not 1"):
        count_step(config, SHAPE)
    with pytest.raises(ConfigError, match="holds magic"):
        count_step({**config, "layer_types": ["magic"] * 3}, SHAPE)


@pytest.mark.parametrize("config", [None, [], "llama", {}, {"model_type": None}, {"model_type": 3}])
def test_what_is_no_config_at_all(config: Any) -> None:
    with pytest.raises(FootprintError):
        count_step(config, SHAPE)


def test_an_unknown_type_names_its_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnknownNameError, match="did you mean llama") as caught:
        count_step({"model_type": "lama", **GROUPED}, SHAPE)
    assert "generic model_type" in str(caught.value)


@pytest.mark.parametrize(
    "shape",
    [
        StepShape(sequences=0),
        StepShape(sequences=-1),
        StepShape(sequences=math.nan),
        StepShape(sequences=math.inf),
        StepShape(sequences=1),
        StepShape(sequences=1, sequence_length=0),
        StepShape(sequences=1, sequence_length=-5),
        StepShape(sequences=1e30, sequence_length=5),
        StepShape(sequences=1, sequence_length=10**12),
        StepShape(sequences=1, sequence_length=8, predicted_positions=9),
        StepShape(sequences=1, sequence_length=8, document_length=0.5),
        StepShape(sequences=True, sequence_length=8),
    ],
)
def test_unusable_shapes(shape: StepShape) -> None:
    with pytest.raises(FootprintError):
        count_step(LLAMA, shape)


def test_images_that_do_not_fit() -> None:
    config = {"model_type": "vit", **PATCHES}
    with pytest.raises(ConfigError, match="patch_size"):
        count_step(config, StepShape(sequences=1, image_size=8))
    with pytest.raises(ConfigError, match="hidden_sizes"):
        count_step(
            {"model_type": "convnext", "hidden_sizes": [4] * 9, "depths": [1] * 9}, StepShape(sequences=1)
        )


def paths(config: dict[str, Any]) -> list[tuple[str, ...]]:
    """Where the keys of a config and of its parts lie, but for the outermost ``model_type``."""
    inner = [(key, *path) for key, part in config.items() if isinstance(part, dict) for path in paths(part)]
    inner += [(key, "model_type") for key, part in config.items() if isinstance(part, dict)]
    return [(key,) for key in config if key != "model_type"] + inner


def changed_at(config: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    key, *rest = path
    return {**config, key: changed_at(config[key], tuple(rest), value) if rest else value}


@pytest.mark.slow
@pytest.mark.parametrize("config", EVERY, ids=lambda config: config["model_type"])
def test_every_key_of_every_family_takes_hostile_values_without_a_traceback(config: dict[str, Any]) -> None:
    """A hostile value is either a clear error or, where the key does not matter, a finite count."""
    shape = shape_for(config)
    for path in paths(config):
        for value in HOSTILE:
            try:
                step = count_step(changed_at(config, path, value), shape)
            except FootprintError:
                continue
            assert 0 < step.training_flop < 10**40


@given(st.data())
def test_several_hostile_values_at_once(data: st.DataObject) -> None:
    config = data.draw(st.sampled_from(EVERY))
    keys = data.draw(st.lists(st.sampled_from(sorted(config)), min_size=1, max_size=4, unique=True))
    junk = st.one_of(
        st.sampled_from(HOSTILE), st.integers(), st.floats(), st.text(max_size=5), st.booleans(),
        st.lists(st.one_of(st.integers(-3, 9), st.text(max_size=3)), max_size=4),
    )  # fmt: skip
    changed = {**config, **{key: data.draw(junk) for key in keys if key != "model_type"}}
    try:
        step = count_step(changed, shape_for(config))
    except FootprintError:
        return
    assert step.training_flop > 0


def test_counting_does_not_depend_on_the_number_of_identical_layers() -> None:
    """100,000 layers cost no more than 4: neither time nor memory grows with depth."""

    def seconds(layers: int) -> float:
        config = {**LLAMA, "num_hidden_layers": layers}
        best = math.inf
        for _ in range(5):
            started = time.process_time()
            for _ in range(20):
                count_step(config, SHAPE)
            best = min(best, time.process_time() - started)
        return best

    count_step(LLAMA, SHAPE)
    assert seconds(100_000) < 100 * seconds(4)  # it would be 25,000 times as long
    few, many = (count_step({**LLAMA, "num_hidden_layers": n}, SHAPE).components["mlp"] for n in (4, 100_000))
    assert many == 25_000 * few


def test_the_registry_reads_every_family_file() -> None:
    families = model_families()
    assert len(families) > 100
    assert families["llama"] == "llama"
    assert list(families) == sorted(families)
