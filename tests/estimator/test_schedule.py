"""`--schedule` writes a training out as phases, for an estimate as for a count of FLOPs."""

from __future__ import annotations

import pytest

import footprint
from footprint.catalog.models import find_model
from footprint.errors import FootprintError
from footprint.flops import count_step
from footprint.schema import StepShape

BERT = {"model": "bert-base", "hw": "v100:8"}


def test_the_schedule_of_the_recipe_is_the_recipe() -> None:
    """Devlin et al. 2018: 900,000 steps of 256 x 128 tokens and 100,000 of 256 x 512."""
    written = footprint.estimate(**BERT, schedule="900kx256x128,100kx256x512")
    published = footprint.estimate(**BERT)
    assert written.flop == published.flop
    assert written.energy_kwh.mid == published.energy_kwh.mid
    assert footprint.estimate(**BERT, schedule="recipe").flop == published.flop


def test_phases_add_up_to_their_steps() -> None:
    answer = footprint.estimate(model="llama2-7b", hw="h100:64", schedule="10kx512x4096, 1kx64x32k")
    config = find_model("llama2-7b").config
    flop = [
        count_step(config, StepShape(sequences=sequences, sequence_length=length)).training_flop
        for sequences, length in ((512, 4096), (64, 32_000))
    ]
    assert answer.flop.model_flop == pytest.approx(10_000 * flop[0] + 1_000 * flop[1], rel=1e-12)
    assert answer.workload.steps == 11_000
    assert answer.workload.tokens == 10_000 * 512 * 4096 + 1_000 * 64 * 32_000


def test_images_and_sizes_that_it_does_not_write() -> None:
    answer = footprint.estimate(model="resnet50", hw="v100:8", schedule="1000x256", image_size=160)
    same = footprint.estimate(model="resnet50", hw="v100:8", steps=1000, batch_size=256, image_size=160)
    assert answer.flop == same.flop
    answer = footprint.estimate(model="t5-base", hw="v100:8", schedule="100x128x512:114")
    same = footprint.estimate(
        model="t5-base", hw="v100:8", steps=100, batch_size=128, seq_len=512, tgt_seq_len=114
    )
    assert answer.flop == same.flop


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"steps": 5}, "`steps="),
        ({"batch_size": 5}, "`batch_size="),
        ({"tokens": 1e9}, "`tokens="),
        ({"schedule": "5"}, "STEPSxSEQUENCESxLENGTH"),
        ({"schedule": "axbxc"}, "axbxc"),
    ],
)
def test_what_contradicts_or_cannot_be_read(given: dict, says: str) -> None:
    with pytest.raises(FootprintError, match=says):
        footprint.estimate(**{**BERT, "schedule": "10x256x128", **given})


def test_a_model_of_images_has_no_length() -> None:
    with pytest.raises(FootprintError, match="STEPSxIMAGES"):
        footprint.estimate(model="resnet50", hw="v100:8", schedule="10x256x128")
