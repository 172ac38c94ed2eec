"""Published counts, each under its own convention, and closed forms from papers."""

from __future__ import annotations

from typing import Any

import pytest

from footprint.catalog.models import find_model
from footprint.flops import count_step
from footprint.schema import StepShape, TrainingMethod
from tests.flops.published_counts import REPRODUCED, ROWS, by_convention, step_of

KNOWN = (*REPRODUCED, "above exact", "not stated")


@pytest.mark.parametrize("row", [r for r in ROWS if r["convention"] in REPRODUCED], ids=lambda row: row["id"])
def test_the_published_count_follows_from_its_convention(row: dict[str, str]) -> None:
    assert by_convention(row) == pytest.approx(
        float(row["published_flop"]), rel=float(row["tolerance_ratio"])
    )


@pytest.mark.parametrize(
    "row", [r for r in ROWS if r["convention"] == "above exact"], ids=lambda row: row["id"]
)
def test_counts_that_also_take_the_look_up_for_a_product(row: dict[str, str]) -> None:
    """Cerebras-GPT's lie above the exact count, and within 15 % of it with the embedding as a product."""
    step, published = step_of(row), float(row["published_flop"])
    assert step.tokens
    exact = float(row["tokens"]) * float(step.training_flop) / step.tokens
    looked_up = 6.0 * (step.parameters.total - step.parameters.non_embedding) * float(row["tokens"])
    assert exact < published
    assert published == pytest.approx(exact + looked_up, rel=float(row["tolerance_ratio"]))


def test_every_row_names_its_convention() -> None:
    assert {row["convention"] for row in ROWS} <= set(KNOWN)
    assert len(ROWS) >= 30


def gpt(layers: int, width: int, heads: int, vocabulary: int) -> dict[str, Any]:
    return {
        "model_type": "gpt2", "n_embd": width, "n_layer": layers, "n_head": heads, "vocab_size": vocabulary,
        "n_positions": 2048,
    }  # fmt: skip


@pytest.mark.parametrize(("layers", "width", "heads"), [(24, 2304, 24), (80, 10240, 80), (128, 25600, 160)])
def test_megatrons_formula(layers: int, width: int, heads: int) -> None:
    """F = 96 B s l h^2 (1 + s/(6h) + V/(16lh)), recomputation included (Narayanan et al. 2021, eq. 3)."""
    batch, length, vocabulary = 4, 2048, 51200
    step = count_step(
        gpt(layers, width, heads, vocabulary),
        StepShape(sequences=batch, sequence_length=length),
        TrainingMethod(recompute="full"),
    )
    bracket = 1 + length / (6 * width) + vocabulary / (16 * layers * width)
    assert step.hardware_flop == pytest.approx(96 * batch * length * layers * width**2 * bracket, rel=1e-12)


@pytest.mark.parametrize("length", [1024, 8192, 131072])
def test_palms_formula(length: int) -> None:
    """6N + 12LHQT a token, N without look-ups (Chowdhery et al. 2022, appendix B)."""
    config = {**find_model("llama3.1-8b").config}
    step = count_step(config, StepShape(sequences=1, sequence_length=length))
    norms = (2 * config["num_hidden_layers"] + 1) * config["hidden_size"]
    matrices = step.parameters.non_embedding - norms
    attention = 12 * config["num_hidden_layers"] * config["hidden_size"] * length
    assert step.training_flop / length == 6 * matrices + attention


def test_what_the_shortcut_costs() -> None:
    """6N of every parameter, on the recipes of the introduction: far off where people do not expect it."""
    from footprint.flops.checks import six_n

    def error(name: str, length: int, target: int | None = None, predicted: int | None = None) -> float:
        shape = StepShape(
            sequences=1, sequence_length=length, target_sequence_length=target, predicted_positions=predicted
        )
        shortcut = six_n(count_step(find_model(name).config, shape))
        assert shortcut
        return shortcut.error

    assert error("gpt2", 1024) == pytest.approx(-0.13, abs=0.01)
    assert error("llama3.1-8b", 131072) == pytest.approx(-0.81, abs=0.01)
    assert error("t5-base", 512, 114) == pytest.approx(0.97, abs=0.01)
    assert error("mixtral-8x7b", 4096) == pytest.approx(2.38, abs=0.02)


def test_a_schedule_adds_its_phases() -> None:
    from footprint.flops.schedule import count_run

    model = find_model("bert-base")
    assert model.recipe
    run = count_run(model.config, model.recipe.phases, objective=model.recipe.objective)
    short = 24 * 2 * 12 * 128 * 768 * (768 + 128 / 6)  # forward FLOP of 12 blocks on 128 tokens, / 2
    long = 24 * 2 * 12 * 512 * 768 * (768 + 512 / 6)
    blocks = 3 / 2 * 256 * (900_000 * short + 100_000 * long)
    heads = float(run.training_flop) - blocks
    transform_and_vocabulary = 2 * 768 * (768 + 30522)
    pooler = 2 * 768 * (768 + 2)
    expected = (
        3
        * 256
        * (
            900_000 * (20 * transform_and_vocabulary + pooler)
            + 100_000 * (77 * transform_and_vocabulary + pooler)
        )
    )
    assert heads == pytest.approx(expected, rel=1e-9)
    assert run.tokens == 256 * (900_000 * 128 + 100_000 * 512)


def test_a_schedule_as_people_write_it() -> None:
    from footprint.errors import FootprintError
    from footprint.flops.schedule import count_run, read_schedule

    config = find_model("gpt2").config
    run = count_run(config, read_schedule("900kx256x128, 1e5 x 256 x 512"))
    short, long = (count_step(config, StepShape(sequences=256, sequence_length=n)) for n in (128, 512))
    assert run.training_flop == 900_000 * short.training_flop + 100_000 * long.training_flop
    pairs = read_schedule("10x4x512:114")[0]
    assert (pairs.sequence_length, pairs.target_sequence_length) == (512, 114)
    images = read_schedule("10x4")[0]
    assert (images.steps, images.sequences_per_step, images.sequence_length) == (10, 4, None)
    for text in (
        "",
        "10",
        "10x4x5x6",
        "10x4x1.5",
        "0x4x5",
        "axbxc",
        "10x4x5:6:7",
        "-1x4x5",
        ",".join(["1x1x1"] * 9999),
    ):
        with pytest.raises(FootprintError):
            read_schedule(text)


def test_the_whole_of_a_run_does_not_depend_on_accumulation() -> None:
    config = find_model("gpt2").config
    one = count_step(config, StepShape(sequences=512, sequence_length=1024))
    part = count_step(config, StepShape(sequences=16, sequence_length=1024))
    assert one.training_flop == 32 * part.training_flop
    half = count_step(config, StepShape(sequences=0.5, sequence_length=1024))
    assert half.training_flop == pytest.approx(part.training_flop / 32, rel=1e-12)


def test_stated_parameters_that_do_not_fit_are_a_warning() -> None:
    from footprint.flops.checks import stated_warning

    step = count_step(find_model("gpt2").config, StepShape(sequences=1, sequence_length=8))
    assert stated_warning(step, 124e6) is None
    assert stated_warning(step, None) is None
    warning = stated_warning(step, 117e6)
    assert warning is not None
    assert "+6.4%" in warning
