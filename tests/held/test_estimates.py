"""Some 600 estimates as they were before the estimator was rebuilt: their numbers stay.

``estimates.jsonl.gz`` was written once, by the code before the rebuilding, and is never written
again: one line a scenario, its request and every number of its answer, or that it was an error.
A number that is meant to change has a line in ``CHANGED`` and one in CHANGELOG.md.

The estimates run with the fitted and assumed constants of that time, ``constants.toml``. So a new fit,
which moves every number, leaves the record as it is, and the record still holds the program. So do later
regimes of the widths, and the limit of the fast end (tests/performance/test_limits.py).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import tomllib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

import footprint
from footprint.catalog import assumptions
from footprint.catalog.hardware import parse_cluster
from footprint.errors import FootprintError
from footprint.performance import predict, regimes, step_facts
from footprint.performance.roofline import constants as roofline
from footprint.performance.roofline import terms
from footprint.performance.roofline.constants import Constants, load_constants
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.work import Work
from footprint.results import Quantity
from footprint.schema import Accelerator, Cluster
from footprint.vocabulary import NARROW, WIDE

RECORD = Path(__file__).with_name("estimates.jsonl.gz")
CONSTANTS = Path(__file__).with_name("constants.toml")
TOLERANCE = 1e-9
"""Relative; the order of a sum may change, and nothing else."""

CHANGED: dict[str, str] = {}
"""Prefix of a number's name -> why it is not what it was."""

CHANGED_SCENARIOS: dict[str, str] = {
    start: group["why"]
    for group in tomllib.loads(Path(__file__).with_name("changed.toml").read_text("utf-8"))["changed"]
    for start in group["scenarios"]
}
"""How a scenario's model and hardware begin -> why its answer is another one."""

OF_THE_PUE = (
    "pue.",
    "energy_kwh.",
    "energy_components_kwh.cooling",
    "co2e_kg.",
    "total.energy_kwh.",
    "total.co2e_kg.",
)
"""Numbers of desktops that changed with their PUE, from the industry's to 1; their medians by its ratio."""

OF_THE_PRICE = ("price.", "cost_usd.", "total.cost_usd.")
"""Numbers that changed where the price is the default of all providers: variants of one silicon share their
offers, and the median is that of the commonest kind of provider. tests/catalog/prices computes each default
price a second time; here the cost is the price times the accelerator-hours."""

GROUPS = 8
SOFTWARE_FACTOR = predict.software_factor
MATMUL_RATE = Constants.matmul_rate


@pytest.fixture(autouse=True)
def constants_of_the_record(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The assumptions of the record's time in place of the shipped ones of the same topics."""
    recorded = tomllib.loads(CONSTANTS.read_text("utf-8"))
    shipped = assumptions._topic
    caches = (assumptions.assumed, load_constants)

    def topic(name: str) -> dict[str, dict[str, Any]]:
        return recorded[name] if name in recorded else shipped(name)

    monkeypatch.setattr(assumptions, "_topic", topic)
    monkeypatch.setattr(step_facts, "regime", regime_of_the_record)
    monkeypatch.setattr(step_facts, "is_layout_given", lambda given, count: "tp" in given)
    monkeypatch.setattr(step_facts, "highest_mfu", lambda *_: 1.0)
    monkeypatch.setattr(Machine, "_around_products", lambda _: 1.0)
    monkeypatch.setattr(roofline, "is_graphics", lambda _: False)
    monkeypatch.setattr(terms, "held_s", lambda *_: 0.0)
    monkeypatch.setattr(Constants, "matmul_rate", rate_of_the_record)
    monkeypatch.setattr(predict, "software_factor", factor_of_the_record)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


def regime_of_the_record(
    work: Work, precision: str, year: int, native: bool | None, count: int, *, layout_given: bool
) -> str:
    """The regime without those of later widths: one accelerator, and PyTorch's own kernels."""
    kind = regimes.regime(work, precision, year, None, 0, layout_given=layout_given)
    return kind if native is None else kind.removesuffix("_stack_unknown")


def rate_of_the_record(constants: Constants, chip: Accelerator, precision: str) -> float:
    """What products reach of the peak, without benchmarks of boards."""
    if roofline.measured_share(chip, precision) is None and not roofline.is_halved(chip):
        return MATMUL_RATE(constants, chip, precision)
    if precision in WIDE:
        return constants["matmul_rate_tf32" if precision == "tf32" else "matmul_rate_wide"]
    rate = constants.values.get(f"matmul_rate_{chip.generation}", constants["matmul_rate_unmeasured"])
    rate *= constants["narrow_over_sixteen"] if precision in NARROW else 1.0
    rate *= constants["halved_over_whole"] if roofline.is_halved(chip) else 1.0
    return constants._limited(chip, rate)


def factor_of_the_record(
    work: Work, cluster: Cluster, precision: str, year: int, native: bool | None, *others: Any
) -> Any:
    """The factor of software when that of PyTorch's own stacks was on the whole step and had no years."""
    constants: Constants = others[-1]
    factor = SOFTWARE_FACTOR(work, cluster, precision, year, native, *others)
    if year < 2023 or precision in WIDE or cluster.accelerator.kind != "gpu":
        return factor
    years = min(year, predict.LAST_YEAR) - predict.MIDDLE_YEAR
    share = constants["native_share_unknown"] if native is None else float(native)
    gain = constants["software_yearly"] ** (years * (1.0 - share))
    now = predict.gain_of_years(work, native, years, constants)
    return factor * gain / now * constants["software_native"] ** share


def _scenarios() -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(RECORD.read_bytes()).decode().splitlines()]


def numbers(value: object, name: str = "") -> Iterator[tuple[str, float | None]]:
    """Every number of an answer by its dotted name, the ends of its interval and of each cause."""
    if isinstance(value, Quantity):
        yield f"{name}.low", value.low
        yield f"{name}.mid", value.mid
        yield f"{name}.high", value.high
        for cause, (low, high) in value.spread.items():
            yield f"{name}.spread.{cause}.low", low
            yield f"{name}.spread.{cause}.high", high
    elif is_dataclass(value):
        for field in fields(value):
            yield from numbers(getattr(value, field.name), f"{name}.{field.name}" if name else field.name)
    elif isinstance(value, tuple):
        for place, part in enumerate(value):
            yield from numbers(part, f"{name}.{getattr(part, 'name', place)}")
    elif value is None or isinstance(value, bool | int | float):
        yield name, value


def differences(expected: dict[str, float | None], answer: footprint.Estimate) -> list[str]:
    """The numbers that are not what they were."""
    found = dict(numbers(answer))
    wrong = []
    of_all = answer.price is not None and answer.price.provider is None and answer.price.offers is not None
    if of_all and answer.price is not None and answer.cost_usd is not None:
        hourly = answer.price.usd_per_accelerator_h.mid
        if not math.isclose(answer.cost_usd.mid, hourly * answer.accelerator_h.mid, rel_tol=TOLERANCE):
            wrong.append(f"cost_usd.mid: {answer.cost_usd.mid}")
    at_desk = any(row.name == "places.pue_desk" for row in answer.assumptions)
    for name, before in expected.items():
        if name.startswith(tuple(CHANGED)):
            continue
        now = found.get(name)
        if of_all and name.startswith(OF_THE_PRICE):
            continue
        if at_desk and name.startswith(("assumptions.", "pue.")) and "pue" in name:
            assert name.startswith("assumptions.") or found["pue.mid"] == 1.0
            continue
        if at_desk and name.startswith(OF_THE_PUE):
            if not name.endswith(".mid") or "cooling" in name:
                continue
            before = (before or 0.0) / (expected["pue.mid"] or 1.0)
        if before is None or now is None:
            same = before is None and now is None
        else:
            same = math.isclose(before, now, rel_tol=TOLERANCE, abs_tol=1e-12)
        if not same:
            wrong.append(f"{name}: {before} -> {now}")
    return wrong


DEFAULTS = ("workload.batch", "workload.sequence_length", "workload.tokens")
"""Sizes that were asked for when the record was written; now they have defaults."""


def with_its_chip(request: dict[str, Any]) -> dict[str, Any]:
    """The request with the accelerator that its plain name meant when the record was written.

    Now a plain name is the variant on which the model was trained.
    """
    try:
        cluster, notices = parse_cluster(request.get("hw", ""))
    except FootprintError:
        return request
    if not any("other variants" in notice for notice in notices):
        return request
    return {**request, "hw": f"{cluster.accelerator.id}:{cluster.count}"}


def is_clear_misfit(scenario: dict[str, Any], error: FootprintError) -> bool:
    """Whether an answer became an error because its step clearly does not fit, and is as it was if forced."""
    if "times what is there" not in str(error):
        return False
    answer = footprint.estimate(**scenario["request"], force=True)
    changed = answer.name.startswith(tuple(CHANGED_SCENARIOS)) or finds_more(scenario, answer)
    return changed or not differences(scenario["numbers"], answer)


LAYOUT = ("tp", "pp", "dp", "cp", "ep", "zero", "micro_batch", "interleaving")


def finds_more(scenario: dict[str, Any], answer: footprint.Estimate) -> bool:
    """Whether a layout is found that was not tried, and is not slower, beside the factor of split layouts.

    That factor lengthens a step that is split now and was not before; a step that does not fit may be slower.
    """
    before, now = scenario["numbers"].get("step_time_s.mid"), answer.step_time_s
    if set(LAYOUT) <= scenario["request"].keys() or before is None or now is None:
        return False
    factors = [
        assumptions.assumed(f"time_fitted.{name}").value for name in ("layout_split", "layout_replicas")
    ]
    faster = now.mid <= before * factors[0] / factors[1] * (1.0 + TOLERANCE)
    return faster and not math.isclose(now.mid, before, rel_tol=TOLERANCE)


def has_defaults(answer: footprint.Estimate) -> bool:
    """Whether a size of the work was neither given nor published."""
    return any(row.name in DEFAULTS and row.basis != "derived" for row in answer.assumptions)


def is_newly_fed(answer: footprint.Estimate) -> bool:
    """Whether the batch is smaller than the accelerators: an error before layouts of few replicas were found.

    Those layouts take all accelerators, and give each replica a sequence.
    """
    layout, count = answer.parallelism, answer.cluster.count
    batch = min((phase.sequences_per_step or 0) for phase in answer.workload.phases)
    if layout.dp is None:  # the time was given, and nothing was predicted
        return batch < count
    assert layout.dp <= batch, answer.name
    assert layout.tp * layout.pp * layout.cp * layout.dp == count, answer.name
    return batch < count


def holds_more(scenario: dict[str, Any], answer: footprint.Estimate) -> bool:
    """Whether adapters have another layout: inputs of frozen products are not kept, so more fits now; and
    QLoRA's embeddings and heads have 16 bits, so less does."""
    if scenario["request"].get("method") not in ("lora", "qlora"):
        return False
    sizes = ("tp", "pp", "dp", "cp", "ep", "micro_batch")
    before = {name: scenario["numbers"].get(f"parallelism.{name}") for name in sizes}
    return any(getattr(answer.parallelism, name) != size for name, size in before.items())


@pytest.mark.parametrize("group", range(GROUPS))
def test_every_number_is_what_it_was(group: int) -> None:
    wrong = []
    for scenario in _scenarios()[group::GROUPS]:
        request = scenario["request"] = with_its_chip(scenario["request"])
        try:
            answer = footprint.estimate(**request)
        except FootprintError as error:
            # Of two things that are wrong, either may be met first.
            if "error" not in scenario and not is_clear_misfit(scenario, error):
                wrong.append(f"{request}: {error}")
            continue
        if has_defaults(answer) and ("error" in scenario or "hours" in request):
            continue  # was an error, or an answer without FLOPs
        if answer.name.startswith(tuple(CHANGED_SCENARIOS)) or ("error" in scenario and is_newly_fed(answer)):
            continue
        if "error" in scenario:
            wrong.append(f"{request}: answers, where it was an error")
            continue
        if holds_more(scenario, answer) or finds_more(scenario, answer):
            continue
        found = differences(scenario["numbers"], answer)
        if found:
            wrong.append(f"{request}: {len(found)} numbers: " + "; ".join(found[:4]))
    assert not wrong, "\n".join(wrong[:20])


def test_the_record_is_as_it_was_written() -> None:
    digest = hashlib.sha256(gzip.decompress(RECORD.read_bytes())).hexdigest()
    assert digest == "a109b595aa8a323eee05b75f6459b3721aa577b23245afe08844d5c7df4647a8"
    digest = hashlib.sha256(CONSTANTS.read_bytes()).hexdigest()
    assert digest == "c98afc3695ca4356b6183929551792c1e6e5b4ef4412ab7c5581adb52892f199"
