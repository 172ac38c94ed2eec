"""Recipes and what the user changes of them, against sums done by hand."""

import pytest

from footprint.errors import FootprintError, MissingFactError
from footprint.estimator.request import EstimateRequest
from footprint.estimator.resolve.workload import resolve_workload
from footprint.estimator.workload import Workload, tokens_of
from footprint.schema import ModelConfig, Phase, Recipe

TWO = ModelConfig(
    id="two", name="Two phases", year=2018, config={"model_type": "bert"},
    recipe=Recipe(
        phases=(
            Phase(steps=900, sequences_per_step=256, sequence_length=128, predicted_positions=20),
            Phase(steps=100, sequences_per_step=256, sequence_length=512, predicted_positions=77),
        ),
        epochs=40,
    ),
)  # fmt: skip
BARE = ModelConfig(id="bare", name="No recipe", year=2020, config={"model_type": "gpt2"})
TOKENS = ModelConfig(
    id="tokens", name="Tokens only", year=2020, config={"model_type": "gpt2"},
    recipe=Recipe(tokens=1e9, phases=(Phase(sequences_per_step=100, sequence_length=1000),)),
)  # fmt: skip
IMAGES = ModelConfig(
    id="images", name="Images", year=2016, config={"model_type": "resnet"},
    recipe=Recipe(phases=(Phase(steps=5000, sequences_per_step=256, image_size=224),), epochs=90),
)  # fmt: skip
WHOLE = 900 * 256 * 128 + 100 * 256 * 512


def resolve(model: ModelConfig, **fields: object) -> Workload:
    return resolve_workload(EstimateRequest(hw="v100:8", **fields), model)  # type: ignore[arg-type]


def tokens(workload: Workload) -> float:
    return sum(tokens_of(phase) for phase in workload.phases)


def test_the_recipe_as_published_is_the_default() -> None:
    work = resolve(TWO)
    assert [phase.steps for phase in work.phases] == [900, 100]
    assert tokens(work) == WHOLE


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ({"tokens": WHOLE * 2.0}, [1800, 200]),
        ({"steps": 500.0}, [450, 50]),
        ({"samples": 256_000 / 4}, [225, 25]),
        ({"epochs": 10.0}, [225, 25]),
        ({"tokens": WHOLE / 2, "epochs": 4.0}, [1800, 200]),
    ],
)
def test_an_amount_scales_the_phases(fields: dict[str, float], steps: list[float]) -> None:
    assert [phase.steps for phase in resolve(TWO, **fields).phases] == pytest.approx(steps)


def test_a_sequence_length_replaces_the_phases_and_keeps_the_tokens() -> None:
    work = resolve(TWO, seq_len=256)
    (phase,) = work.phases
    assert tokens(work) == pytest.approx(WHOLE)
    assert phase.steps == pytest.approx(WHOLE / (256 * 256))
    assert phase.predicted_positions == 40  # 20 of 128 is 40 of 256
    assert any(row.name == "workload.phases" for row in work.assumptions)


def test_packed_documents_keep_the_phases_and_lose_pairs() -> None:
    """Of packed documents of mean length m, a token sees m keys instead of the whole sequence."""
    from footprint.estimator.workload import shape_of
    from footprint.flops import count_step

    packed = resolve(TWO, document_length=64)
    assert [p.steps for p in packed.phases] == [p.steps for p in TWO.recipe.phases]  # type: ignore[union-attr]
    config = {
        "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": 96, "vocab_size": 100,
    }  # fmt: skip
    steps = [count_step(config, shape_of(phase)) for phase in packed.phases]
    for step, length in zip(steps, (128, 512), strict=True):
        pairs = 256 * length * 64
        assert step.components["attention_core"] == 3 * 2 * 2 * 2 * 64 * pairs  # layers x products x FLOP


def test_a_batch_keeps_tokens_and_lengths() -> None:
    work = resolve(TWO, batch_size=1024)
    assert [phase.steps for phase in work.phases] == pytest.approx([225, 25])
    assert tokens(work) == pytest.approx(WHOLE)


def test_tokens_only_recipes_get_their_steps() -> None:
    assert resolve(TOKENS).steps == pytest.approx(1e9 / 1e5)
    assert resolve(TOKENS, batch_size=200).steps == pytest.approx(1e9 / 2e5)
    assert resolve(TOKENS, steps=77.0).steps == 77
    assert resolve(TOKENS, tokens=3e9).steps == pytest.approx(3e9 / 1e5)


def test_images_count_samples() -> None:
    assert resolve(IMAGES).samples == 5000 * 256
    assert resolve(IMAGES, epochs=45.0).samples == pytest.approx(2500 * 256)
    larger = resolve(IMAGES, image_size=448)
    assert larger.samples == pytest.approx(5000 * 256)
    assert larger.phases[0].image_size == 448
    with pytest.raises(FootprintError, match="`samples=`"):
        resolve(IMAGES, tokens=1e9)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, "`seq_len=`"),
        ({"seq_len": 1024}, "`tokens=`, `samples=` or `steps=`"),
        ({"seq_len": 1024, "steps": 10.0}, "`batch_size=`"),
        ({"seq_len": 1024, "batch_size": 8}, "`tokens=`, `samples=` or `steps=`"),
    ],
)
def test_what_nobody_published_names_its_option(fields: dict[str, int], names: str) -> None:
    with pytest.raises(MissingFactError, match=names):
        resolve(BARE, **fields)


def test_a_fine_tuning_does_not_take_the_pretraining_recipe() -> None:
    with pytest.raises(MissingFactError, match="`seq_len=`"):
        resolve(TWO, method="finetune")
    work = resolve(TWO, method="finetune", seq_len=128, batch_size=32, samples=3200.0, epochs=3.0)
    assert work.steps == pytest.approx(300)


def test_epochs_of_unknown_length_ask_for_the_amount() -> None:
    with pytest.raises(MissingFactError, match="`tokens=` or `samples=`"):
        resolve(TOKENS, epochs=3.0)


_VIT = {
    "model_type": "vit", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 96, "patch_size": 16,
}  # fmt: skip
_WHISPER = {
    "model_type": "whisper", "d_model": 64, "encoder_layers": 2, "decoder_layers": 2, "vocab_size": 100,
    "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 96, "decoder_ffn_dim": 96,
    "num_mel_bins": 80,
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "given", "length", "side"),
    [
        ({**_VIT, "image_size": 96}, {}, None, 96),
        ({**_VIT, "image_size": [96, 96]}, {}, None, 96),
        ({**_VIT, "image_size": 96}, {"image_size": 32}, None, 32),
        ({"model_type": "resnet", "hidden_sizes": [256, 512], "depths": [3, 4]}, {}, None, 224),
        (_WHISPER, {"tgt_seq_len": 20}, 3000, None),  # 30 s of audio
        ({**_WHISPER, "max_source_positions": 200}, {"tgt_seq_len": 20}, 400, None),
    ],
)
def test_sizes_that_the_model_itself_fixes_need_not_be_given(
    config: dict[str, object], given: dict[str, object], length: int | None, side: int | None
) -> None:
    bare = ModelConfig(id="bare", name="No recipe", year=2020, config=config)
    work = resolve(bare, samples=3200.0, batch_size=32, **given)
    (phase,) = work.phases
    assert (phase.sequence_length, phase.image_size, phase.steps) == (length, side, 100)
    assert bool(work.assumptions) is ("image_size" not in given)


@pytest.mark.parametrize("config", [{**_VIT, "image_size": [96, 64]}, _VIT, BARE.config])
def test_sizes_that_nothing_fixes_are_asked_for(config: dict[str, object]) -> None:
    bare = ModelConfig(id="bare", name="No recipe", year=2020, config=config)
    with pytest.raises(MissingFactError, match="`seq_len=`"):
        resolve(bare, samples=3200.0, batch_size=32)
