"""Packing drops padding: all computed tokens are real ones, and attention stays within a sequence."""

import math

import pytest

import footprint
from footprint.errors import FootprintError
from footprint.estimator import EstimateRequest
from footprint.estimator.resolve import resolve
from tests.cli.run import footprint as command

BERT = {"model": "bert-large", "hw": "a100:8", "batch_size": 256, "seq_len": 512, "samples": 1e6}


def of(**fields: object) -> footprint.Estimate:
    return footprint.estimate(**{**BERT, **fields})


def test_half_the_tokens_are_computed_where_half_are_padding_and_it_is_twice_as_fast():
    # Krell et al. (2021): phase 2 of BERT is twice as fast without its padding of 50 %.
    full, dropped = of(), of(packing=True, padding_share=0.5)
    assert dropped.workload.tokens == pytest.approx(full.workload.tokens / 2, rel=1e-9)
    # The same number of tokens a row has as many products, but for scores, which stay within a sequence.
    ratio = full.flop.model_flop / dropped.flop.model_flop
    assert 1.95 < ratio < 2.2
    assert full.step_time_s.mid * full.workload.steps == pytest.approx(
        2 * dropped.step_time_s.mid * dropped.workload.steps, rel=0.15
    )


def test_as_much_is_computed_as_for_the_same_sequences_without_padding_at_their_own_length():
    # 512 tokens with 50 % of padding hold 256 real ones: two of them in a row are two sequences of 256.
    facts = [
        resolve(EstimateRequest(**fields))
        for fields in (
            {**BERT, "packing": True, "padding_share": 0.5},
            {**BERT, "seq_len": 256},
        )
    ]
    packed, short = (
        sum(
            phase.steps * step.training_flop_causal
            for phase, step in zip(f.workload.phases, f.step_flops, strict=True)
        )
        for f in facts
    )
    # 76 predicted positions of 512 tokens, but 40 of 256: the head differs by 1.5 % of the whole.
    assert packed == pytest.approx(short, rel=0.02)


def test_the_share_of_pairs_of_segments_is_the_published_one_at_each_length():
    phases = resolve(EstimateRequest(model="bert-base", hw="v100:8", packing=True)).workload.phases
    plain = resolve(EstimateRequest(model="bert-base", hw="v100:8")).workload.phases
    rows = [phase.steps * phase.sequences_per_step for phase in (*phases, *plain)]
    # Zhang et al. (2021): 17 % at 128 tokens, 48 % at 512
    assert rows[0] / rows[2] == pytest.approx(0.83, rel=1e-9)
    assert rows[1] / rows[3] == pytest.approx(0.52, rel=1e-9)
    assert [phase.sequences_per_step % 8 for phase in phases] == [0, 0]


def test_a_share_that_nobody_gave_is_stated_and_widens_the_interval():
    given, assumed = of(packing=True, padding_share=0.48), of(packing=True)
    assert any(row.option == "--padding-share" for row in assumed.assumptions)
    assert not any(row.option == "--padding-share" for row in given.assumptions)
    assert "padding" in assumed.duration_h.spread
    assert "padding" not in given.duration_h.spread
    assert given.duration_h.mid == pytest.approx(assumed.duration_h.mid, rel=1e-9)
    assert assumed.duration_h.low < given.duration_h.low
    low, high = (of(packing=True, padding_share=share).duration_h.mid for share in (0.79, 0.3))
    ends = assumed.duration_h.spread["padding"]
    assert min(ends) == pytest.approx(math.log(low / assumed.duration_h.mid), rel=0.02)
    assert max(ends) == pytest.approx(math.log(high / assumed.duration_h.mid), rel=0.02)


def test_an_amount_in_tokens_is_one_of_real_tokens():
    fields = {"samples": None, "tokens": 1e9}
    full, dropped = of(**fields), of(**fields, packing=True, padding_share=0.5)
    assert full.workload.tokens == pytest.approx(dropped.workload.tokens, rel=1e-9)


def test_given_steps_are_kept():
    assert of(samples=None, steps=1000, packing=True).workload.steps == 1000


def test_texts_that_are_joined_have_no_padding():
    fields = {"model": "gpt2", "hw": "a100:8", "tokens": 1e9}
    full, dropped = footprint.estimate(**fields), footprint.estimate(**fields, packing=True)
    assert full.duration_h.mid == dropped.duration_h.mid
    assert any("none to drop" in str(row.value) for row in dropped.assumptions)
    tuned = footprint.estimate(**fields, method="finetune", batch_size=64, seq_len=1024)
    packed = footprint.estimate(**fields, method="finetune", batch_size=64, seq_len=1024, packing=True)
    assert any(row.name == "padding.finetune" for row in packed.assumptions)
    assert packed.workload.tokens == pytest.approx(tuned.workload.tokens, rel=1e-9)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"padding_share": 0.5}, "packing"),
        ({"packing": True, "padding_share": 1.0}, "at most 0.99"),
        ({"packing": True, "padding_share": float("nan")}, "finite"),
        ({"packing": True, "document_length": 100}, "leave out `document_length=`"),
        ({"packing": True, "samples_per_second": 100}, "tokens_per_second"),
        ({"packing": True, "model": "resnet50", "seq_len": None}, "images"),
    ],
)
def test_what_makes_no_sense_is_one_clear_error(fields: dict[str, object], said: str):
    with pytest.raises(FootprintError, match=said):
        of(**fields)


@pytest.mark.parametrize("form", ["table", "json", "markdown"])
def test_the_workload_says_so(form: str):
    args = ("estimate", "--model", "bert-base", "--hw", "v100:8", "--packing", "--quiet", "--format", form)
    done = command(*args)
    assert done.code == 0
    assert '"packing": true' in done.out if form == "json" else "packed: real tokens only" in done.out
