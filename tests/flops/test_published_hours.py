"""What the notes of recipes say of published hours that the counts alone do not explain."""

from __future__ import annotations

import re

import pytest

from footprint.catalog.models import find_model
from footprint.flops import count_step
from footprint.schema import StepShape


def step_flop(name: str) -> tuple[float, float]:
    """FLOP and samples of one step of the published recipe."""
    model = find_model(name)
    assert model.recipe is not None
    phase = model.recipe.phases[0]
    shape = StepShape(
        sequences=phase.sequences_per_step,
        sequence_length=phase.sequence_length,
        image_size=phase.image_size,
        predicted_positions=phase.predicted_positions,
    )
    counted = count_step(model.config, shape, objective=model.recipe.objective or "")
    return float(counted.training_flop), float(phase.sequences_per_step or 0)


@pytest.mark.parametrize("name", ["beit-base", "beit-large"])
def test_the_tokeniser_of_beit_takes_the_share_that_its_recipe_says(name: str) -> None:
    """The encoder of DALL-E as its code builds it, on images of 112 pixels, counted by torch."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    widths = [256, 256, 512, 1024, 2048]
    layers = [(3, 256, 7, 112)]
    for group in range(4):
        side, out = 112 // 2**group, widths[group + 1]
        for wide in (widths[group], out):
            inner = out // 4
            layers += [(wide, inner, 3, side), *[(inner, inner, 3, side)] * 2, (inner, out, 1, side)]
            layers += [(wide, out, 1, side)] if wide != out else []
    layers.append((2048, 8192, 1, 14))
    with FlopCounterMode(display=False) as counter, torch.device("meta"):
        for inputs, outputs, kernel, side in layers:
            torch.nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)(torch.empty(1, inputs, side, side))
    recipe = find_model(name).recipe
    assert recipe is not None
    said = re.search(r"adds (\d+) % to the FLOP", recipe.leaves_out)
    assert said is not None
    flop, images = step_flop(name)
    assert 100 * counter.get_total_flops() / (flop / images) == pytest.approx(int(said[1]), abs=0.5)


@pytest.mark.parametrize("name", ["wav2vec2-base", "wav2vec2-large", "hubert-base"])
def test_the_published_hours_of_speech_are_12_tflop_per_s_a_chip(name: str) -> None:
    recipe = find_model(name).recipe
    assert recipe is not None
    assert recipe.duration_h is not None
    assert recipe.accelerators is not None
    steps = recipe.phases[0].steps
    assert steps is not None
    flop, _ = step_flop(name)
    rate = flop * steps / (recipe.duration_h * 3600 * recipe.accelerators)
    assert rate / 1e12 == pytest.approx(12, abs=0.5)
    note = find_model("wav2vec2-base").recipe.note  # type: ignore[union-attr]
    assert "12 TFLOP/s a chip" in note
