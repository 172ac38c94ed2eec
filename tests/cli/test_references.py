"""The published run beside an estimate of the same model."""

import pytest

from tests.cli.run import footprint
from tests.cli.test_estimate import as_json


@pytest.mark.parametrize(
    ("model", "cluster", "published"),
    [
        ("llama2-70b", "a100:2048", "1,720,320"),  # model card, Table 2 of the paper
        ("llama3.1-405b", "h100:16384", "30,840,000"),  # model card
        ("llama4-maverick", "h100:4096 --batch-size 4096 --seq-len 8192", "2,380,000"),  # model card
    ],
)
def test_accelerator_hours_are_a_reference_where_days_were_not_published(
    model: str, cluster: str, published: str
) -> None:
    done = footprint("estimate", "--model", model, "--hw", *cluster.split(), "--region", "US", "--force")
    text = " ".join(done.out.split())
    assert f"took {published} accelerator-hours" in text, done.err


@pytest.mark.parametrize(
    ("model", "hw", "published_h", "year"),
    [("deepseek-v3", "h800:2048", 2_664_000 / 2048, 2024), ("bert-base", "tpu-v2:16", 96.0, 2018)],
)
def test_a_published_run_that_the_interval_does_not_hold_is_said(
    model: str, hw: str, published_h: float, year: int
) -> None:
    run = ("estimate", "--model", model, "--hw", hw)
    record = as_json(*run, "--year", str(year))
    assert record["published"]["duration_h"] == pytest.approx(published_h, rel=1e-3)
    low, high = record["duration_h"]["low"], record["duration_h"]["high"]
    text = " ".join(footprint(*run, "--year", str(year)).out.split())
    assert ("outside the interval above" in text) == (not low <= published_h <= high)
    other = " ".join(footprint(*run, "--tokens", "1e9").out.split())  # other work: nothing to compare
    assert "outside the interval" not in other
    assert "wrong here" not in other


def test_a_fine_tuning_is_not_compared_with_the_pre_training() -> None:
    job = ("estimate", "--model", "llama3.1-8b", "--hw", "h100:8", "--tokens", "10M", "--region", "US")
    text = " ".join(footprint(*job, "--method", "lora").out.split())
    assert "Reference: the pre-training of llama3.1-8b (2024) took 1,460,000 accelerator-hours" in text
    assert "the estimate is" not in text
    text = " ".join(footprint(*job).out.split())
    assert "the estimate is 0 of" not in text  # a small part of the run is a number, too
