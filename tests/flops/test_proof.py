"""Our counts against torch's counter, to the last FLOP and parameter, at published sizes."""

from __future__ import annotations

import warnings

import pytest

from footprint.catalog.models import all_models
from footprint.flops import count_step, model_families
from footprint.flops.verify import verify
from tests.flops.proof_cases import NEEDS_DATA, NOT_IN_TRANSFORMERS, ONE_OF_A_KIND, Case, cases

CASES = cases()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.slow else []) for case in CASES],
)
def test_forward_and_backward_equal_torchs_counter(case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proof = verify(case.config, case.shape, case.objective)
    assert proof.residual == (0, 0, 0), proof


@pytest.mark.parametrize("case", [c for c in CASES if c.published], ids=lambda case: case.name)
def test_parameters_are_the_published_ones(case: Case) -> None:
    counted = count_step(case.config, case.shape, objective=case.objective).parameters.total
    assert counted == pytest.approx(case.published, rel=0.03)


def test_the_proof_covers_every_family_that_torch_can_run() -> None:
    proved = {case.config["model_type"] for case in CASES}
    families = model_families()
    apart = {"elmo", "lstm", "gru", "rnn", "dit", "gopher", "switch_transformers", "kimi_k2"}
    """Not in transformers, or proved on small real tensors in test_families.py."""
    small = {  # proved small in test_families.py: no published config with a size of its own
        "clip_text_model",
        "clip_vision_model",
        "siglip_text_model",
        "siglip_vision_model",
        "camembert",
        "ernie",
        "data2vec-text",
        "roberta-prelayernorm",
        "gemma3_text",
        "vaultgemma",
        "ministral",
        "ministral3",
        "iquestcoder",
        "granite_swa",
        "hyperclovax",
        "jais2",
        "nanochat",
        "plbart",
        "blenderbot-small",
        "flex_olmo",
        "granitemoeshared",
        "exaone_moe",
        "glm4_moe_lite",
        "youtu",
        "granitemoehybrid",
        "gemma2",
        "pixtral",
    }
    assert set(families) - proved <= apart | small
    assert len(CASES) >= 60


def test_every_built_in_type_is_proved() -> None:
    types = {model.config["model_type"] for model in all_models()}
    proved = {case.config["model_type"] for case in CASES}
    assert types - proved - set(NOT_IN_TRANSFORMERS) - set(NEEDS_DATA) <= {"gemma3_text"}
    assert {model.id for model in all_models()} >= set(ONE_OF_A_KIND)
