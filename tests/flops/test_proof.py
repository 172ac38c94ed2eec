"""Our counts against torch's counter, to the last FLOP and parameter, at published sizes."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from footprint.catalog.models import all_models
from footprint.flops import count_step, model_families
from footprint.flops.torch.torch_counter import count_with_torch
from tests.conftest import ROOT
from tests.flops.proof_cases import NEEDS_DATA, NOT_IN_TRANSFORMERS, ONE_OF_A_KIND, Case, cases
from tests.flops.torch_record import KEPT, Recorder, prove

CASES = cases()
RECORDER = Recorder()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_forward_and_backward_equal_torchs_counter(case: Case) -> None:
    proof = prove(case, RECORDER)
    assert proof.residual == (0, 0, 0), proof


COUNTED_ANEW = (
    "bert-base", "gpt2-xl", "llama2-7b", "mixtral-8x22b", "resnet-50", "t5-11b", "vit-huge-14",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", [c for c in CASES if c.name in COUNTED_ANEW], ids=lambda case: case.name)
def test_what_is_kept_of_torchs_counts_is_what_it_counts(case: Case) -> None:
    """The others, and all after a new version of torch: python -m tests.flops.torch_record."""
    kept, counted = (prove(case, count).torch for count in (RECORDER, count_with_torch))
    assert (kept.forward_flop, kept.backward_flop) == (counted.forward_flop, counted.backward_flop)
    assert kept.parameters == counted.parameters


def test_every_count_is_kept() -> None:
    """With the versions of constraints.txt nothing is counted on the spot."""
    pinned = (ROOT / "constraints.txt").read_text("utf-8").split()
    versions = [f"{name}=={version(name).partition('+')[0]}" for name in ("torch", "transformers")]
    if not set(versions) <= set(pinned):
        pytest.skip("the record is of the pinned versions of torch and transformers")
    recorder = Recorder()
    for case in CASES:
        prove(case, recorder)
    assert recorder.new == 0, "python -m tests.flops.torch_record"
    assert recorder.asked.keys() == KEPT.keys()


@pytest.mark.parametrize("case", [c for c in CASES if c.published], ids=lambda case: case.name)
def test_parameters_are_the_published_ones(case: Case) -> None:
    counted = count_step(case.config, case.shape, objective=case.objective).parameters.total
    assert counted == pytest.approx(case.published, rel=0.03)


# Proved small in test_families.py: no published config of its own, or one that is large to run.
SMALL = {
    "clip_text_model", "clip_vision_model", "siglip_text_model", "siglip_vision_model", "camembert",
    "ernie", "data2vec-text", "roberta-prelayernorm", "gemma3_text", "vaultgemma", "ministral",
    "ministral3", "iquestcoder", "granite_swa", "hyperclovax", "jais2", "nanochat", "plbart",
    "blenderbot-small", "flex_olmo", "granitemoeshared", "exaone_moe", "glm4_moe_lite", "youtu",
    "granitemoehybrid", "gemma2", "pixtral", "qwen3_5", "qwen3_5_moe", "qwen3_5_text", "qwen3_5_moe_text",
    "kimi_linear", "solar_open", "hunyuan_v1_dense", "hunyuan_v1_moe", "dinov3_vit", "qwen3_next",
    "deepseek_v32", "glm_moe_dsa", "deepseek_v4", "mistral4", "lfm2", "lfm2_moe", "falcon_h1",
    "deberta-v2", "wav2vec2", "hubert", "unispeech", "unispeech-sat", "beit", "data2vec-vision", "segformer",
    "minimax", "gemma3n_text", "gemma4_text",
}  # fmt: skip


def test_the_proof_covers_every_family_that_torch_can_run() -> None:
    proved = {case.config["model_type"] for case in CASES}
    families = model_families()
    apart = {
        "elmo",
        "lstm",
        "gru",
        "rnn",
        "dit",
        "gopher",
        "switch_transformers",
        "kimi_k2",
        "minimax_text_01",
        "minimax_m1",
    }
    """Not in transformers, or proved on small real tensors in test_families.py."""
    assert set(families) - proved <= apart | SMALL
    assert len(CASES) >= 60


def test_every_built_in_type_is_proved() -> None:
    types = {model.config["model_type"] for model in all_models()}
    proved = {case.config["model_type"] for case in CASES}
    assert types - proved - set(NOT_IN_TRANSFORMERS) - set(NEEDS_DATA) <= SMALL
    assert {model.id for model in all_models()} >= set(ONE_OF_A_KIND)
