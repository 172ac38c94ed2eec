"""A plain name of an accelerator is the variant on which the model was trained."""

from __future__ import annotations

import pytest

import footprint
from footprint.decisions import sweep
from footprint.errors import FootprintError

GPT3_32_GB = 14.8 * 24
"""Hours of GPT-3 on 10,000 V100 of 32 GB (Patterson et al. 2021, Table 4)."""


def test_the_variant_of_the_recipe_is_taken_and_assumed() -> None:
    plain = footprint.estimate(model="gpt3-175b", hw="v100:10000")
    named = footprint.estimate(model="gpt3-175b", hw="v100-sxm2-32gb:10000")
    assert plain.cluster.accelerator == "v100-sxm2-32gb"
    assert plain.energy_kwh == named.energy_kwh
    (row,) = [row for row in plain.assumptions if row.name == "accelerator"]
    assert (row.value, row.basis, row.option) == ("v100-sxm2-32gb", "assumed", "--hw")
    assert not any(row.name == "accelerator" for row in named.assumptions)
    assert plain.duration_h.bounds[0] < GPT3_32_GB < plain.duration_h.bounds[1]


def test_a_name_that_says_which_variant_is_kept() -> None:
    answer = footprint.estimate(model="gpt3-175b", hw="v100-16gb:10000")
    assert answer.cluster.accelerator == "v100-sxm2-16gb"
    other = footprint.estimate(model="gpt3-175b", hw="a100:1024")  # trained on another chip altogether
    assert other.cluster.accelerator == "a100-sxm4-80gb"


def test_a_sweep_takes_the_variant_of_each_model() -> None:
    axes = {"model": ["gpt3-175b", "llama2-7b"], "hw": ["v100:4096", "v100-16gb:4096"]}
    found = sweep(axes, region="FRA", tokens=1e10)
    for row in range(4):
        fields = {"model": axes["model"][row // 2], "hw": axes["hw"][row % 2]}
        answer = footprint.estimate(**fields, region="FRA", tokens=1e10)
        assert found.columns["energy_kwh_mid"][row] == pytest.approx(answer.energy_kwh.mid, rel=1e-9)


def test_an_error_of_memory_names_the_variant_with_more() -> None:
    with pytest.raises(FootprintError) as caught:
        footprint.estimate(model="llama2-7b", hw="v100-16gb:4", method="finetune", tokens=1e9)
    assert "`hw=v100-sxm2-16gb:16` fits" in str(caught.value)
    assert "`hw=v100-sxm2-32gb:8`, a variant with more memory, does too" in str(caught.value)
    fits = footprint.estimate(model="llama2-7b", hw="v100-32gb:8", method="finetune", tokens=1e9)
    assert fits.misfit is None
