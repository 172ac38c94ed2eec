"""The release date of the software, apart from the year of grid and prices."""

from __future__ import annotations

import pytest

import footprint
from footprint.catalog.assumptions import assumed
from footprint.errors import FootprintError
from footprint.parsing import parse_month

JOB = {
    "model": "llama3.1-8b", "hw": "h100:64", "tokens": 1e9, "batch_size": 256, "seq_len": 8192,
    "region": "FRA", "year": 2025,
}  # fmt: skip


def seconds(**more: object) -> float:
    return footprint.estimate(**JOB, **more).step_time_s.mid


def test_a_tuned_stack_is_faster_by_the_fitted_share_of_a_year() -> None:
    yearly = assumed("time_fitted.software_yearly").value
    early, late = (seconds(stack="tuned", stack_date=date) for date in ("2025-02", "2025-11"))
    assert late / early == pytest.approx(yearly ** (9 / 12))
    assert early > seconds(stack="tuned") > late


def test_pytorchs_own_stack_has_the_techniques_and_the_speed_of_its_date() -> None:
    same, before = (seconds(stack="native", stack_date=date) for date in ("2025-11", "2022-11"))
    assert same == pytest.approx(seconds(stack="native"), rel=0.05)
    assert before > 1.2 * same


def test_grid_and_prices_stay_those_of_the_year() -> None:
    one, other = (footprint.estimate(**JOB, **more) for more in ({}, {"stack_date": "2023-06"}))
    assert one.place == other.place
    assert one.price == other.price


def test_a_date_is_a_month_or_a_year() -> None:
    assert parse_month("2026-02") == pytest.approx(2026 + 1.5 / 12)
    assert parse_month("2026") == 2026.5
    for text in ("02/2026", "2026-00", "26-02", "soon", "1999-12"):
        with pytest.raises(FootprintError, match="a month from 2000 on; write it like '2026-02'"):
            footprint.estimate(**JOB, stack_date=text)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"stack": "megatron-bridge", "stack_date": "2024-12"},
            ["NVIDIA Megatron Bridge first came out in 2025"],
        ),
        ({"stack": "megatron-bridge", "stack_date": "2025-01"}, []),
        ({"stack_date": "2021-12"}, ["came out in 2022"]),
        ({"stack_date": "2022-01"}, []),
        ({"stack": "hf", "stack_date": "2018-06"}, ["came out in 2022", "first came out in 2019"]),
    ],
)
def test_a_date_before_the_first_release_is_warned_of(given: dict[str, str], said: list[str]) -> None:
    """Years of release by data sheet and by the stack's file; the job's chip is an H100 of 2022."""
    warnings = [one for one in footprint.estimate(**JOB, **given).warnings if "came out in" in one]
    assert len(warnings) == len(said)
    for warning, part in zip(warnings, said, strict=True):
        assert part in warning
        assert given["stack_date"] in warning


def test_a_date_after_the_last_known_steps_changes_nothing_and_says_so() -> None:
    last, later = (
        footprint.estimate(**JOB, stack="tuned", stack_date=date) for date in ("2026-12", "2035-01")
    )
    assert later.duration_h == last.duration_h
    said = [[one for one in answer.warnings if "no steps of" in one] for answer in (last, later)]
    assert [len(one) for one in said] == [0, 1]
    assert "2035" in said[1][0]
