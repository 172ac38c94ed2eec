"""What --explain prints adds up: each formula again, by hand, from the numbers that it shows."""

from __future__ import annotations

import re

import pytest

import footprint as package
from footprint.results.link import Link
from tests.cli.run import footprint

CASES = [
    {},
    {"hours": 40.0},
    {"mfu": 0.2, "purchase": "spot"},
    {"capital_usd": 9000.0},
    {"hw": "tpu-v3:32"},
    {"hw": "h100:64", "batch_size": 1024, "goodput": 0.8, "grid_g_per_kwh": 30.0},
    {"it_power_w": 2500.0, "step_time_s": 0.3},
]
UNIT_OF = {"duration_h": 3600.0, "it_energy_kwh": 1000.0, "co2e_kg": 1000.0}
"""What seconds, watts and grams are divided by, which a formula does not show."""


def links_of(given: dict) -> list[Link]:
    return list(package.estimate(**{"model": "bert-base", "hw": "v100:8", **given}).links)


@pytest.mark.parametrize("given", CASES)
def test_each_formula_gives_its_result_when_it_is_evaluated_as_it_is_written(given: dict) -> None:
    checked = 0
    for link in links_of(given):
        if "{" not in link.form:
            continue
        written = link.form.format(**{name: repr(float(value)) for name, value in link.inputs.items()})
        assert re.fullmatch(r"[\d.e+x/() -]+", written), written
        value = eval(written.replace(" x ", " * "))  # noqa: S307 - digits and signs alone
        assert value / UNIT_OF.get(link.name, 1.0) == pytest.approx(link.result, rel=1e-12), link.name
        checked += 1
    assert checked >= 5


@pytest.mark.parametrize("given", CASES)
def test_the_links_end_in_the_answer(given: dict) -> None:
    answer = package.estimate(**{"model": "bert-base", "hw": "v100:8", **given})
    results = {link.name: link.result for link in answer.links}
    for name in ("duration_h", "it_power_w", "it_energy_kwh", "energy_kwh", "co2e_kg", "cost_usd"):
        assert results[name] == getattr(answer, name).mid, name


def test_the_terms_and_the_parts_add_up() -> None:
    for link in links_of({}):
        if link.name in ("step_time_s", "it_power_w"):
            assert sum(map(float, link.inputs.values())) == pytest.approx(link.result, rel=1e-9)


def test_what_is_shown_adds_up_with_the_figures_that_are_shown() -> None:
    done = footprint("estimate", "--model", "bert-base", "--hw", "v100:8", "--explain", "--quiet")
    assert done.code == 0, done.err
    text = " ".join(done.out.split())
    steps, ms, goodput, hours = re.search(
        r"= ([\d,]+) x ([\d.]+) ms / ([\d.]+) = ([\d.]+) h Accelerator-hours", text
    ).groups()  # type: ignore[union-attr]
    expected = float(steps.replace(",", "")) * float(ms) / 3.6e6 / float(goodput)
    assert float(hours) == pytest.approx(expected, rel=1e-3)  # four figures each
    kw, h, kwh = re.search(r"= ([\d.]+) kW x ([\d.]+) h = ([\d.]+) kWh", text).groups()  # type: ignore[union-attr]
    assert float(kwh) == pytest.approx(float(kw) * float(h), rel=1e-3)


def test_a_source_stands_behind_every_factor_that_was_looked_up() -> None:
    cited = {link.name: link.sources for link in links_of({})}
    assert cited["energy_kwh"] != ()
    assert cited["co2e_kg"] != ()
    assert cited["cost_usd"] != ()
    assert cited["it_energy_kwh"] == (), "its factors come from the links above"
    given = {link.name: link.sources for link in links_of({"pue": 1.1, "usd_per_hour": 2.0, "goodput": 0.9})}
    assert given["energy_kwh"] == ()
    assert given["duration_h"] == ()


def test_nothing_has_no_causes() -> None:
    """Electricity without CO2e: the CO2e is none, and its causes cannot be set against it."""
    clean = package.estimate(model="resnet-50", hw="v100:8", grid_g_per_kwh=0.0)
    assert (clean.co2e_kg.low, clean.co2e_kg.high) == (0.0, 0.0)
    done = footprint(
        "estimate", "--model", "resnet-50", "--hw", "v100:8", "--grid-g-per-kwh", "0", "--spread"
    )
    assert done.code == 0
    moves = done.out.partition("What moves the result")[2].partition("\n\n")[0]
    assert "  energy " in moves
    assert "  CO2e " not in moves
