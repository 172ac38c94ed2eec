"""Stages of alignment against the compute that InstructGPT published (Ouyang et al. 2022, section 5.1)."""

from __future__ import annotations

import json

import pytest

from footprint.errors import FootprintError
from footprint.serving.stages import stage_ids, stages
from tests.cli.run import footprint

PF_DAY = 8.64e19


def test_supervised_fine_tuning() -> None:
    """Published: 4.9 PF-days; by the rule 4.94; exact, with attention at 2,048 tokens, 5.19."""
    found = stages("gpt3-175b", "sft")
    assert found.rule_pf_days == pytest.approx(4.94, rel=0.002)
    assert found.rule_pf_days == pytest.approx(4.9, rel=0.02)
    assert found.pf_days == pytest.approx(5.19, rel=0.005)


def test_reinforcement_learning_with_a_pre_training_mix() -> None:
    """Published: 60 PF-days; by the rule 60.3, of which 82 % are the pre-training mix."""
    found = stages("gpt3-175b", "ppo-ptx", helper="gpt3-6.7b")
    assert found.rule_pf_days == pytest.approx(60.3, rel=0.002)
    assert found.rule_pf_days == pytest.approx(60, rel=0.02)
    (mix,) = [one for one in found.passes if "mix" in one.what]
    assert mix.rule_flop / found.rule_flop == pytest.approx(0.82, abs=0.006)


def test_pre_training_by_the_rule() -> None:
    """Published: 3,640 PF-days for GPT-3; 3,637 by the rule for 300e9 tokens."""
    one = stages("gpt3-175b", "sft", samples=300e9 / 2000)
    assert one.rule_pf_days == pytest.approx(3637, rel=0.001)


def test_what_is_trained_costs_three_times_what_is_read() -> None:
    found = stages("gpt3-1.3b", "dpo", samples=1000, seq_len=512)
    by = {one.does: one for one in found.passes}
    assert by["train"].flop == pytest.approx(3 * by["score"].flop, rel=1e-3)
    assert by["train"].rule_flop == 3 * by["score"].rule_flop


def test_grpo_has_no_value_model() -> None:
    found = stages("gpt3-1.3b", "grpo", samples=10)
    assert {one.model for one in found.passes} == {"policy", "reference", "reward"}
    assert {one.sequences for one in found.passes} == {640}


def test_the_stages() -> None:
    assert stage_ids() == ["dpo", "grpo", "ppo", "ppo-ptx", "reward-model", "sft"]
    with pytest.raises(FootprintError, match="did you mean ppo"):
        stages("gpt2", "ppoo")
    with pytest.raises(FootprintError, match="samples"):
        stages("gpt2", "dpo")


def test_explain_shows_the_rule_beside_the_estimate() -> None:
    done = footprint("estimate", "--model", "instructgpt-175b-ppo", "--hw", "a100:1024", "--explain")
    text = " ".join(done.out.split())
    assert "63.5 PF-days; by the rule" in text
    assert "60.3 PF-days" in text
    done = footprint("estimate", "--model", "instructgpt-175b-sft", "--hw", "a100:1024", "--explain")
    text = " ".join(done.out.split())
    assert "5.19 PF-days" in text
    assert "4.94 PF-days" in text


@pytest.mark.parametrize(("size", "share"), [("175b", 7), ("1.3b", 44)])
def test_an_estimate_says_what_the_stage_holds_beside_it(size: str, share: int) -> None:
    name = f"instructgpt-{size}-ppo"
    whole = stages(f"gpt3-{size}", "ppo-ptx", helper="gpt3-6.7b")
    trained = sum(one.flop for one in whole.passes if (one.model, one.does) == ("policy", "train"))
    assert round(100 * (1 - trained / whole.flop)) == share
    done = footprint("estimate", "--model", name, "--hw", "a100:1024")
    text = " ".join(done.err.split())
    assert f"only what trains {name} is estimated" in text
    assert f"{share} % of the stage's FLOP" in text
    own = footprint("estimate", "--model", name, "--hw", "a100:1024", "--tokens", "1B")
    assert "only what trains" not in own.err


def test_the_command() -> None:
    done = footprint("stages", "--model", "gpt3-175b", "--stage", "ppo-ptx", "--helper", "gpt3-6.7b")
    assert done.code == 0
    assert "60.3" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    record = json.loads(footprint("stages", "--model", "gpt3-175b", "--stage", "sft", "--format", "json").out)
    assert record["schema"] == "footprint/stages/1"
    assert record["rule_flop"] / PF_DAY == pytest.approx(4.94, rel=0.002)
    wrong = footprint("stages", "--model", "gpt2", "--stage", "dpo")
    assert wrong.code == 2
    assert "--samples" in wrong.err
