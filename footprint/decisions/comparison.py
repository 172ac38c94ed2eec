"""Scenarios side by side: each as an estimate, its ratios to a baseline, and which is clearly best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from footprint.decisions.axes import Axes, axes_and_fixed, count_of, is_axis
from footprint.decisions.causes import Identity, divided, ratio
from footprint.decisions.scenario_table import QUANTITIES, ComparedRow, Ratio, ScenarioTable
from footprint.errors import FootprintError, UnknownNameError
from footprint.estimator.chain import Consequences, chain, of_all_runs, repeats_of
from footprint.estimator.facts import Facts
from footprint.estimator.predict import predict_run
from footprint.estimator.prediction import Prediction, device_memory
from footprint.estimator.request import AMOUNT_FIELDS, FIELDS, EstimateRequest
from footprint.estimator.resolve.shared import Shared
from footprint.estimator.rooms import facts_of
from footprint.estimator.unheeded import unheeded
from footprint.records import field, record
from footprint.results import Quantity
from footprint.results.misfit import misfits_in
from footprint.vocabulary import BY

MOST_ROWS = 200
"""A table for people; `footprint.sweep` takes any number."""
NOT_OF_THE_JOB = (
    "region", "pue", "grid_g_per_kwh", "provider", "purchase", "usd_per_hour", "electricity_usd_per_kwh",
    "capital_usd", "lifetime_years", "utilisation", "name", "force", "hw", "model", *AMOUNT_FIELDS, "epochs",
    *(name for name, field in FIELDS.items() if field.section == "repeats"),
)  # fmt: skip
"""Fields that do not change the job, and fields that its facts hold in one spelling."""


def compare(
    axes: Axes | None = None,
    /,
    *,
    scenarios: Iterable[Mapping[str, Any]] = (),
    baseline: int = 1,
    by: str = "cost",
    max_hours: float | None = None,
    **fixed: Any,
) -> ScenarioTable:
    """Scenarios side by side, at most 200, in the order of the product of their axes.

    A field with a list of values is an axis: ``compare(model="bert-base", hw=["v100:8", "h100:8"])``; or
    give the axes as a mapping, as `footprint.sweep` takes them. ``scenarios`` are mappings of fields, whose
    values may be lists, too; the axes are laid on each. ``baseline`` is the id of a row, from 1; ``by`` is
    what matters most: time, energy, co2e or cost. ``hw="auto"`` asks over the chips that are rented out, each
    with the smallest count that takes the run, within ``max_hours`` if they are given.

    Raises
    ------
    FootprintError
        For an unknown field, an empty axis, more than 200 rows, and a baseline that is no row.
    """
    axes, fixed = axes_and_fixed(axes, fixed)
    if by not in BY:
        raise FootprintError(f"`by=` is one of {', '.join(BY)}, not {by!r}")
    bases = [dict(one) for one in scenarios] or [{}]
    if fixed.get("hw") == "auto":
        from footprint.decisions.rentable import rentable_clusters

        del fixed["hw"]
        axes["hw"] = rentable_clusters({**bases[0], **fixed}, axes, max_hours, BY[by])
    elif "auto" in axes.get("hw", ()):
        raise FootprintError("`hw=auto` stands alone: it asks over every chip that is rented out")
    elif max_hours is not None:
        raise FootprintError("`max_hours=` chooses the counts of `hw='auto'`: give both or neither")
    rows, collapsed = _rows(axes, bases, fixed)
    if not 1 <= baseline <= len(rows):
        raise FootprintError(f"`baseline={baseline}`: the rows are 1 to {len(rows)}")
    warnings = [_left_out(collapsed)] if collapsed else []
    if not any(row.quantities for row in rows):
        raise FootprintError(rows[0].reason)
    bases_of_co2e = _bases(rows)
    if len(bases_of_co2e) > 1:
        listed = ", ".join(f"{name} ({basis})" for basis, name in bases_of_co2e.items())
        warnings.append(f"no CO2e is compared of intensities on different bases: {listed}")
    compared = _compared(rows, baseline)
    if not rows[baseline - 1].quantities:
        warnings.append(f"row {baseline}, the baseline, has no numbers, so there are no ratios")
    shared = dict.fromkeys(warning for row in compared for warning in row.warnings)
    beside = [row for row in compared if of_one_basis(_basis(rows[baseline - 1]), _basis(rows[row.id - 1]))]
    return ScenarioTable(
        axes=axes, baseline=baseline, by=BY[by], rows=compared, pareto=_pareto(beside),
        warnings=(*warnings, *shared),
    )  # fmt: skip


def _bases(rows: Sequence[Answered]) -> dict[str, str]:
    """Bases of the rows' carbon intensities (life-cycle, direct, ...), each with a place that has it."""
    return {
        basis: identity_of(row.facts).place for row in reversed(rows) if row.facts and (basis := _basis(row))
    }


def _basis(row: Answered) -> str:
    """What the carbon intensity of a row counts; nothing where it was given, or no place is known."""
    site = None if row.facts is None else row.facts.site.summary
    return "" if site is None or site.basis == "given" else site.basis


def of_one_basis(one: str, other: str) -> bool:
    """Whether CO2e on two bases may be compared; an unknown or a given intensity goes with any."""
    return "given" in (one, other) or not (one and other) or one == other


def _left_out(rows: int) -> str:
    if rows == 1:
        return "1 row is a spelling of another row and is left out"
    return f"{rows} rows are spellings of another row and are left out"


@record
class Answered:
    """A scenario with its numbers, or the reason why it has none."""

    scenario: Mapping[str, Any]
    reason: str = ""
    facts: Facts | None = None
    prediction: Prediction | None = None
    whole: Mapping[str, Quantity] = field(default_factory=dict)
    """With the causes of the chain, for sums; accelerator-hours among them."""
    quantities: Mapping[str, Quantity]
    """With these causes in parts, for ratios."""

    @property
    def fits(self) -> bool:
        """Whether it has numbers, and its steps fit into memory."""
        return self.prediction is not None and all(self.prediction.fits)


def _rows(
    axes: Axes, bases: Sequence[Mapping[str, Any]], fixed: Mapping[str, Any]
) -> tuple[list[Answered], int]:
    grids = [_grid_of(base, axes, fixed) for base in bases]
    for name, values in (axis for grid in grids for axis in grid.items()):
        if not values:
            raise FootprintError(f"the axis {name} has no values")
    count = sum(map(count_of, grids))
    if count > MOST_ROWS:
        raise FootprintError(
            f"{count:,} scenarios are more than the {MOST_ROWS} of a comparison: "
            "footprint sweep takes any number"
        )
    shared, rows, known, collapsed = Shared(), [], set(), 0
    for base, grid in zip(bases, grids, strict=True):
        for values in product(*grid.values()):
            scenario = {**base, **fixed, **dict(zip(grid, values, strict=True))}
            row = answered(scenario, shared)
            key = None if row.facts is None else _identity_of_scenario(row.facts)
            if key is not None and key in known:
                collapsed += 1
                continue
            known.add(key)
            rows.append(row)
    return rows, collapsed


def _grid_of(base: Mapping[str, Any], axes: Axes, fixed: Mapping[str, Any]) -> Axes:
    """The axes of one scenario: its own, but for those that are given, and these."""
    own = {name: value for name, value in base.items() if name not in fixed and is_axis(name, value)}
    return {**{name: value for name, value in own.items() if name not in axes}, **axes}


def answered(scenario: Mapping[str, Any], shared: Shared) -> Answered:
    """The chain of one scenario. A slip in a field's name or value is an error; what cannot be, a row."""
    request = EstimateRequest.from_mapping(scenario, "comparison")
    try:
        facts = facts_of(request, shared)
        prediction = predict_run(facts)
        outcome = chain(facts, prediction)
    except UnknownNameError:
        raise  # a slip, not something that cannot be
    except FootprintError as error:
        return Answered(scenario=scenario, reason=str(error), quantities={})
    repeats = repeats_of(request)
    means = outcome.consequences
    numbers = {
        "duration_h": outcome.duration_h, "energy_kwh": means.energy_kwh, "co2e_kg": means.co2e_kg,
        "cost_usd": means.cost_usd, "accelerator_h": outcome.accelerator_h,
    }  # fmt: skip
    whole = {name: of_all_runs(value, repeats) for name, value in numbers.items() if value is not None}
    identity = identity_of(facts)
    return Answered(
        scenario=scenario,
        facts=facts,
        prediction=prediction,
        reason=_missing(prediction, means),
        whole=whole,
        quantities={name: divided(whole[name], identity) for name in QUANTITIES if name in whole},
    )


def _missing(prediction: Prediction, means: Consequences) -> str:
    """What is wrong with a row that has numbers, or missing from it; "" for nothing."""
    misfit = next(iter(misfits_in(prediction.warnings)), None)
    if misfit is not None or not all(prediction.fits):
        return misfit or prediction.warnings[0]
    return "" if means.cost_usd is not None else "no price of this hardware is known"


def said_of_row(row: Answered) -> tuple[str, ...]:
    """What a row says beside its numbers: an assumed place, options without effect, its layout."""
    if row.facts is None or row.prediction is None:
        return ()
    return (*row.facts.site.warnings, *said_of_the_run(row))


def said_of_the_run(row: Answered) -> tuple[str, ...]:
    """What a row says of its run wherever it is: options without effect, its layout where it fits."""
    if row.facts is None or row.prediction is None:
        return ()
    of_layout = row.prediction.warnings if row.fits else ()
    return (*of_layout, *unheeded(row.facts, row.prediction))


def identity_of(facts: Facts) -> Identity:
    """What the errors of a scenario depend on."""
    chip, model = facts.cluster.accelerator.id, facts.model.id if facts.model is not None else ""
    given = {name: value for name, value in facts.request.given().items() if name not in NOT_OF_THE_JOB}
    job = f"{model} on {chip}:{facts.cluster.count} {sorted(given.items())}"
    site = facts.site.summary
    place = "" if site is None else f"{site.key}"
    stack = facts.request.stack or ""
    return Identity(model=model, chip=f"{chip} {facts.precision}", job=job, place=place, stack=stack)


def _identity_of_scenario(facts: Facts) -> tuple[Any, ...]:
    """What identifies a scenario; equal for two spellings of it, such as ``v100:8`` and ``v100x8``."""
    given = {
        n: str(v) for n, v in facts.request.given().items() if n not in ("hw", "model", "region", "name")
    }
    identity = identity_of(facts)
    return (identity.model, identity.place, facts.cluster.node.id, facts.cluster.accelerator.id,
            facts.cluster.count, *sorted(given.items()))  # fmt: skip


def _compared(rows: Sequence[Answered], baseline: int) -> tuple[ComparedRow, ...]:
    base = rows[baseline - 1].quantities
    best = {name: _clear_best(rows, name) for name in QUANTITIES}
    if len(_bases(rows)) > 1:
        best["co2e_kg"] = None
    return tuple(
        ComparedRow(
            id=number,
            scenario=row.scenario,
            feasible=row.fits,
            reason=row.reason,
            needed_gib=_needed_gib(row),
            device_gib=None if row.facts is None else row.facts.cluster.accelerator.memory_gib,
            ratio={
                name: ratio_of(value, base[name])
                for name, value in row.quantities.items()
                if name in base
                and base[name].mid > 0
                and (name != "co2e_kg" or of_one_basis(_basis(rows[baseline - 1]), _basis(row)))
            },
            best=tuple(name for name in QUANTITIES if best[name] == number),
            warnings=said_of_row(row),
            **row.quantities,
        )
        for number, row in enumerate(rows, 1)
    )


def ratio_of(one: Quantity, other: Quantity) -> Ratio:
    """The ratio of two quantities, and whether it is clearly below or above 1."""
    found = ratio(one, other)
    low, high = found.bounds
    return Ratio(value=found, verdict="lower" if high < 1 else "higher" if low > 1 else "not_clear")


def _clear_best(rows: Sequence[Answered], name: str) -> int | None:
    """The id of the row that is clearly below every other in a quantity; None where there is no such row."""
    known = [
        (number, row.quantities[name])
        for number, row in enumerate(rows, 1)
        if name in row.quantities and row.fits
    ]
    if len(known) < 2:
        return None
    number, least = min(known, key=lambda pair: pair[1].mid)
    others = [quantity for other, quantity in known if other != number]
    if least.mid <= 0 or any(ratio(quantity, least).low <= 1 for quantity in others):
        return None
    return number


def _needed_gib(row: Answered) -> float | None:
    """Predicted memory on the fullest accelerator [GiB], in the phase that needs most."""
    if row.facts is None or row.prediction is None:
        return None
    memory = device_memory(row.facts, row.prediction.layouts)
    return None if memory is None else memory.needed_gib.mid


def _pareto(rows: Sequence[ComparedRow]) -> tuple[int, ...]:
    """Rows that no other beats in hours, CO2e and USD at once; rows without all three are left out."""
    known = [
        (row.id, (row.duration_h.mid, row.co2e_kg.mid, row.cost_usd.mid))
        for row in rows
        if row.feasible
        and row.duration_h is not None
        and row.co2e_kg is not None
        and row.cost_usd is not None
    ]
    return tuple(
        number
        for number, own in known
        if not any(
            other != own and all(a <= b for a, b in zip(other, own, strict=True)) for _, other in known
        )
    )
