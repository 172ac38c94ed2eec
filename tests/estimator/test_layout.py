"""Layouts: found as people run them, respected when given, and errors that say what would be right."""

from __future__ import annotations

import json
from typing import Any

import pytest

from footprint.errors import FootprintError
from footprint.estimator import estimate

LLAMA = {"model": "llama2-70b", "hw": "h100:64", "tokens": 1e9, "batch_size": 256, "seq_len": 4096}


def layout(**fields: Any) -> Any:
    return estimate(**fields).parallelism


@pytest.mark.parametrize(
    ("fields", "micro_batch"),
    [
        ({"model": "bert-base", "hw": "v100:64"}, 4),
        ({"model": "bert-large", "hw": "v100:64"}, None),
        ({"model": "bert-base", "hw": "h100:256", "batch_size": 256}, 1),
        ({"model": "resnet-50", "hw": "a100:768", "batch_size": 34560}, 45),
    ],
)
def test_small_models_are_trained_data_parallel(fields, micro_batch):
    found = layout(**fields)
    assert (found.tp, found.pp, found.cp, found.ep) == (1, 1, 1, 1)
    assert micro_batch is None or found.micro_batch == micro_batch


def test_a_small_batch_forces_small_models_apart():
    # 32 sequences cannot feed 64 replicas: then even a small model is split, but no further.
    found = layout(model="bert-base", hw="v100:64", batch_size=32, tp=2)
    assert (found.tp, found.pp, found.dp) == (2, 1, 32)


@pytest.mark.parametrize("batch", [96, 100, 208, 461, 512])
@pytest.mark.parametrize("chips", [1, 4, 8])
def test_micro_batches_are_whole(batch, chips):
    found = layout(model="bert-base", hw=f"v100:{chips}", batch_size=batch, seq_len=512, tokens=1e8)
    share = batch / chips
    assert found.micro_batch == int(found.micro_batch)
    assert found.micro_batch <= share + 1
    if share == int(share) and share != 461:
        assert share % found.micro_batch == 0


def test_a_prime_share_is_split_into_nearly_equal_parts():
    # Nothing divides 461; all at once does not fit 16 GB at 512 tokens.
    found = layout(model="bert-base", hw="v100:1", batch_size=461, seq_len=512, tokens=1e8)
    parts = -(-461 // found.micro_batch)
    assert parts * found.micro_batch - 461 < parts


def test_a_given_layout_is_the_layout():
    found = layout(**LLAMA, tp=4, pp=4, micro_batch=2)
    assert (found.tp, found.pp, found.dp, found.micro_batch, found.given) == (4, 4, 4, 2, True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tp": 3}, "does not divide 64 accelerators"),
        ({"tp": 2, "pp": 2, "dp": 8}, "`dp=16` fits"),
        ({"tp": 4, "pp": 4, "micro_batch": 3}, "`micro_batch=1` does"),
        ({"tp": 4, "pp": 4, "micro_batch": 24}, "`micro_batch=8` does"),
        ({"micro_batch": 128}, "lower `micro_batch=`"),
        ({"dp": 8, "micro_batch": 64}, "lower `micro_batch=`"),
        ({"pp": 128}, "more stages than the 80 layers|does not divide"),
    ],
)
def test_a_layout_that_cannot_be_names_one_that_can(given, message):
    with pytest.raises(FootprintError, match=message):
        estimate(**LLAMA, **given)


def test_a_layout_that_does_not_fit_names_changes_that_do():
    # 70 B parameters, replicated, take 16 bytes each: a stage of four holds 280 GB, sixteen 70 GB.
    wrong = {**LLAMA, "tp": 1, "pp": 4, "micro_batch": 1}
    with pytest.raises(FootprintError, match=r"fits with `\w+=\S+`.*`force=True`") as caught:
        estimate(**wrong)
    name, size = str(caught.value).split("it fits with `")[1].split("`")[0].split("=")
    assert estimate(**{**wrong, name: int(size) if size.isdigit() else size.strip("'")}).parallelism.given
    assert any("does not fit" in warning for warning in estimate(**wrong, force=True).warnings)


def test_the_stack_moves_the_time_and_narrows_it():
    job = {**LLAMA, "tp": 8, "pp": 1}
    known = {stack: estimate(**job, stack=stack) for stack in ("tuned", "native")}
    unknown = estimate(**job)
    hours = {name: one.duration_h for name, one in (*known.items(), (None, unknown))}
    assert hours["tuned"].mid < hours[None].mid < hours["native"].mid
    # The slow end; what the chip allows cuts the fast ones.
    width = {name: one.step_time_s.high / one.step_time_s.mid for name, one in known.items()}
    assert max(width.values()) <= unknown.step_time_s.high / unknown.step_time_s.mid * (1 + 1e-9)
    assert any(row.option == "--stack" for row in unknown.assumptions)
    assert not any(row.option == "--stack" for row in known["tuned"].assumptions)


def test_a_count_that_shares_no_depth_with_the_layers_gets_uneven_stages():
    # 10,000 = 2^4 x 5^4 and 96 layers: without uneven stages 16 more accelerators made it five times slower.
    run = {"model": "gpt3-175b", "precision": "fp16"}
    odd, even = (estimate(**run, hw=f"v100-sxm2-32gb:{count}") for count in (10_000, 9_984))
    assert odd.parallelism.pp >= 4
    assert odd.duration_h.mid < 1.1 * even.duration_h.mid


HEADS = {
    "model_type": "gpt2", "n_embd": 6400, "n_layer": 48, "n_inner": 25600, "vocab_size": 51200,
}  # fmt: skip


@pytest.mark.parametrize(("heads", "ranks"), [(25, {1}), (20, {4}), (50, {2}), (80, {4, 8})])
def test_tensor_ranks_that_are_found_divide_the_heads(tmp_path, heads, ranks):
    # 24 B parameters in 2022: split four ways at least, where the heads allow it
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**HEADS, "n_head": heads}))
    run = {"tokens": 1e9, "batch_size": 256, "seq_len": 2048, "precision": "bf16", "year": 2022}
    assert layout(model=str(path), hw="a100:64", **run).tp in ranks


@pytest.mark.parametrize(
    ("model", "hw", "tp", "message"),
    [
        (
            "bert-base",
            "v100:8",
            8,
            "the 12 attention heads of the model: `tp=` 1, 2, 4 do, or insist",
        ),
        ("gpt2-xl", "v100:8", 2, "the 25 attention heads of the model: `tp=` 1 does, or insist"),
    ],
)
def test_given_tensor_ranks_that_do_not_divide_the_heads_are_refused(model, hw, tp, message):
    run = {"model": model, "hw": hw, "tokens": 1e9, "batch_size": 64, "seq_len": 512, "tp": tp}
    with pytest.raises(FootprintError, match=message):
        estimate(**run)
    assert layout(**run, force=True).tp == tp


def test_fewer_key_heads_than_tensor_ranks_are_replicated():
    run = {"model": "qwen2.5-3b", "hw": "h100:8", "tokens": 1e9, "batch_size": 64, "seq_len": 2048}
    assert layout(**run, tp=8).tp == 8  # 16 heads, 2 of keys and values


def test_part_of_a_layout_leaves_the_rest_to_be_found():
    # 128 sequences cannot feed 64 replicas four at a time, but nobody said that there are 64.
    found = layout(**{**LLAMA, "batch_size": 128}, micro_batch=4)
    assert (found.micro_batch, found.given) == (4, True)
    assert found.dp * 4 <= 128
    assert layout(**{**LLAMA, "batch_size": 32}, ep=1).dp <= 32
    assert layout(model="bert-base", hw="v100:8", dp=4).dp == 4


@pytest.mark.parametrize("asked", [{"micro_batch": 128}, {"micro_batch": 7}, {"micro_batch": 3, "tp": 2}])
def test_a_micro_batch_that_no_layout_can_have_is_refused(asked):
    with pytest.raises(FootprintError, match="`micro_batch="):
        estimate(model="bert-base", hw="h100:8", batch_size=64, **asked)


@pytest.mark.parametrize("micro_batch", [1, 2, 4, 8, 16, 64])
def test_a_given_micro_batch_divides_the_share_of_the_layout_found(micro_batch):
    found = layout(model="bert-base", hw="h100:8", batch_size=64, micro_batch=micro_batch)
    assert found.micro_batch == micro_batch
    assert 64 / found.dp % micro_batch == 0


def test_more_stages_than_layers_are_refused():
    with pytest.raises(FootprintError, match="more stages than the 32 layers"):
        estimate(model="llama2-7b", hw="h100:64", pp=64)


def test_uneven_stages_take_longer_by_their_fullest():
    # 31 stages for 32 layers: one holds two, and every step waits for it.
    run = {"model": "llama2-7b", "tokens": 1e9, "seq_len": 4096, "micro_batch": 1, "recompute": "none"}
    even = estimate(**run, hw="h100:32", pp=32, tp=1, batch_size=2048, force=True)
    uneven = estimate(**run, hw="h100:31", pp=31, tp=1, batch_size=2048, force=True)
    matmul_s = [next(t.time_s for t in one.step_terms if t.name == "matmul") for one in (even, uneven)]
    assert matmul_s[1] / matmul_s[0] == pytest.approx(2.0)


@pytest.mark.parametrize("batch", [31, 57, 250, 461, 999])
def test_no_micro_batch_exceeds_what_fits(batch):
    for hw in ("v100:1", "v100:8", "a100:3"):
        if batch < int(hw.rpartition(":")[2]):
            continue
        run = {"model": "gpt2-medium", "hw": hw, "batch_size": batch, "seq_len": 1024, "tokens": 1e8}
        found = estimate(**run)
        if not any("does not fit" in text for text in found.warnings):
            size = int(found.parallelism.micro_batch)
            again = {**run, "tp": 1, "pp": 1, "batch_size": size * found.parallelism.dp, "micro_batch": size}
            if (found.parallelism.tp, found.parallelism.pp) == (1, 1):
                estimate(**again, recompute=found.parallelism.recompute)  # an error if it does not fit


def test_a_long_context_that_does_not_fit_is_told_to_split_it():
    with pytest.raises(FootprintError, match="the layout left open"):
        estimate(model="llama3.1-8b", hw="h100:64", tokens=1e9, batch_size=64, seq_len=1_048_576, cp=1)


def test_the_same_run_at_the_same_hours_has_one_energy():
    run = {"model": "llama2-70b", "hw": "h100:1024"}
    predicted = estimate(**run)
    told = estimate(**run, hours=predicted.duration_h.mid)
    assert told.it_energy_kwh.mid == pytest.approx(predicted.it_energy_kwh.mid, rel=1e-3)
