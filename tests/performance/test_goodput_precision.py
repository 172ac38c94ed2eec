"""Goodput by scale, and the arithmetic a recipe runs in."""

from __future__ import annotations

import itertools

import pytest

from footprint.errors import FootprintError
from footprint.performance import choose_precision, goodput, predict_step
from tests.performance.helpers import BERT_BASE, GPT_1B, cluster, step


@pytest.mark.parametrize(
    ("text", "hours", "published"),
    [
        # Wall-clock over step MFU: BLOOM 0.89 and OPT 0.98 on 384 and 992 chips, PaLM 0.66 on 6144.
        ("a100-sxm4-80gb:384", 2500, 0.89),
        ("tpu-v4:6144", 1200, 0.66),
        ("h100-sxm5-80gb:2048", 1300, 0.89),
    ],
)
def test_published_long_runs_lie_within_the_interval(text, hours, published):
    share, row = goodput(cluster=cluster(text), hours_without_loss=hours)
    assert share.low <= published <= share.high
    assert row.name.startswith("goodput.")


def test_one_node_and_short_runs_lose_little():
    one_node, _ = goodput(cluster=cluster("v100:8"), hours_without_loss=500)
    short, _ = goodput(cluster=cluster("h100-sxm5-80gb:512"), hours_without_loss=1)
    long, _ = goodput(cluster=cluster("h100-sxm5-80gb:512"), hours_without_loss=500)
    assert one_node.mid == pytest.approx(0.97)
    assert short.mid == pytest.approx(0.97)
    assert long.mid == pytest.approx(0.80)
    assert long.high <= 1.0


@pytest.mark.parametrize("text", ["h100-sxm5-80gb:64", "h100-sxm5-80gb:128", "h100-sxm5-80gb:512"])
def test_no_run_falls_off_a_step(text):
    # An hour more never costs two per cent of goodput, and more hours never raise it.
    shares = [goodput(cluster=cluster(text), hours_without_loss=h)[0] for h in range(1, 200)]
    for one, more in itertools.pairwise(shares):
        assert 0.985 * one.mid <= more.mid <= one.mid * (1 + 1e-12)


def test_no_cluster_falls_off_a_step():
    shares = [
        goodput(cluster=cluster(f"h100-sxm5-80gb:{8 * n}"), hours_without_loss=500)[0].mid
        for n in range(2, 100)
    ]
    assert all(0.97 * one <= more <= one * (1 + 1e-12) for one, more in itertools.pairwise(shares))


@pytest.mark.parametrize(
    ("recipe", "chip", "year", "expected"),
    [
        ("bf16", "v100", 2026, "fp16"),  # no bf16 units
        ("bf16", "a100-sxm4-80gb", 2024, "bf16"),
        ("fp32", "v100", 2026, "fp16"),  # fp32-era recipe on 16-bit matrix units
        ("fp32", "v100", 2016, "fp32"),  # the run itself is of that era
        ("fp32", "p100-sxm2-16gb", 2018, "fp32"),  # no matrix units
        ("fp16", "gtx-1080-ti", 2020, "fp32"),  # fp16 slower than fp32
        ("fp32", "gtx-1080-ti", 2020, "fp32"),
        ("fp8", "a100-sxm4-80gb", 2024, "bf16"),
        ("fp8", "h100-sxm5-80gb", 2024, "fp8"),  # the recipe asked
        (None, "h100-sxm5-80gb", 2024, "bf16"),  # never fp8 unasked
        (None, "tpu-v3", 2020, "bf16"),
        ("bf16", "mi100", 2024, "bf16"),  # the recipe has it
        (None, "mi100", 2024, "fp16"),  # bf16 at half the rate of fp16
    ],
)
def test_precision_follows_recipe_and_chip(recipe, chip, year, expected):
    precision, why = choose_precision(recipe, cluster(chip).accelerator, year)
    assert precision == expected
    assert why


def test_a_missing_peak_names_the_alternatives():
    with pytest.raises(FootprintError, match="no bf16 peak; use `precision=`"):
        predict_step(
            step_flop=step(BERT_BASE, 8, 128), cluster=cluster("v100:1"), precision="bf16", year=2024
        )


def test_an_unknown_stack_is_refused():
    with pytest.raises(FootprintError, match="tuned or native"):
        predict_step(
            step_flop=step(GPT_1B, 8, 128),
            cluster=cluster("v100:1"),
            precision="fp16",
            year=2024,
            stack="fast",
        )
