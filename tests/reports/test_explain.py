"""What --explain prints adds up: each product again, by hand, from the numbers it shows."""

from __future__ import annotations

import re

import pytest

from tests.cli.run import footprint


def explained(*more: str) -> str:
    done = footprint("estimate", "--model", "bert-base", "--hw", "v100:8", "--explain", "--quiet", *more)
    assert done.code == 0, done.err
    return " ".join(done.out.split())


def product(text: str) -> float:
    """The value of what is shown as numbers, x, + and parentheses."""
    assert re.fullmatch(r"[\d.,x+() ]+", text), text
    return float(eval(text.replace(",", "").replace("x", "*")))  # noqa: S307 - digits and signs alone


@pytest.mark.parametrize("more", [(), ("--hours", "40"), ("--mfu", "20%")])
def test_the_power_of_a_board(more: tuple[str, ...]) -> None:
    text = explained(*more)
    watts, shares, shown = re.search(r"= ([\d.,]+) W x (\([^=]+\)) = ([\d.,]+) W IT power", text).groups()  # type: ignore[union-attr]
    assert float(shown) == pytest.approx(float(watts) * product(shares), rel=5e-3)  # three figures
    boards = re.search(r"= accelerators ([\d.]+) kW", text)
    assert boards is not None
    assert float(boards[1]) * 1000 == pytest.approx(8 * float(shown), rel=1e-2)


def test_steps_times_step_time_over_goodput_is_the_duration() -> None:
    text = explained()
    steps, ms, goodput, hours = re.search(
        r"= ([\d,]+) x ([\d.]+) ms / ([\d.]+) = ([\d.]+) h IT",
        text.replace(" Power of one accelerator", " IT"),
    ).groups()  # type: ignore[union-attr]
    expected = float(steps.replace(",", "")) * float(ms) / 3.6e6 / float(goodput)
    assert float(hours) == pytest.approx(expected, rel=1e-2)


def test_the_terms_add_up_to_the_step_time() -> None:
    terms, step = re.search(r"= (matmul [^>]+) -> ([\d.]+ \w+) MFU", explained()).groups()  # type: ignore[union-attr]
    unit = {"ms": 1.0, "us": 1e-3, "s": 1e3}
    found = re.findall(r"([\d.]+) (ms|us|s)\b", terms)
    whole, scale = step.split()
    assert sum(float(number) * unit[u] for number, u in found) == pytest.approx(
        float(whole) * unit[scale], rel=5e-3
    )
