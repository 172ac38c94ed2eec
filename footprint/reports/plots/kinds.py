"""Which plots can be drawn of what was given, the sensible one first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from footprint.errors import FootprintError
from footprint.records import record
from footprint.reports.exports.shared.reader import Reader
from footprint.reports.plots import canvas, plotted_json
from footprint.reports.plots.intervals import Line, plot_lines
from footprint.reports.plots.power import plot_power
from footprint.reports.plots.predicted import plot_compared, plot_pairs
from footprint.reports.texts.fleet_text import NAMES
from footprint.results.fleet import FleetReport, FleetTotal, PowerSeries
from footprint.results.measurement import ComparedQuantity


@record
class Given:
    """What a plot is asked of."""

    readers: tuple[Reader, ...] = ()
    """JSON of estimates, measurements, a comparison, a project, a plan, an inference."""
    fleet: FleetReport | None = None
    series: tuple[PowerSeries, ...] = ()
    compared: tuple[ComparedQuantity, ...] = ()
    """Predicted and measured quantities of one run."""
    name: str = ""
    predicted_w: Any = None
    """The predicted IT power of one run."""

    @property
    def schemas(self) -> list[str]:
        """The schemas of the JSON."""
        return [one.text("schema") for one in self.readers]


def _is_one(given: Given, schema: str) -> bool:
    return given.schemas == [schema]


def _has_causes(given: Given) -> bool:
    return _is_one(given, plotted_json.ESTIMATE) and any(
        one.causes for one in plotted_json.answers_of(given.readers[0])
    )


def _are_amounts(given: Given) -> bool:
    one = len(given.readers) == 1 and given.schemas[0] in (plotted_json.COMPARISON, plotted_json.PROJECT)
    return one or (
        bool(given.readers) and set(given.schemas) <= {plotted_json.ESTIMATE, plotted_json.MEASUREMENT}
    )


def _is_a_run(given: Given) -> bool:
    """Whether power over time says the most: the inputs hold one measured run, and its power."""
    if given.fleet is None:
        return bool(given.series)
    measured = [one for one in given.fleet.totals if one.kind == "measurement"]
    return bool(given.series) and sum(one.runs for one in measured) == 1


def _groups(given: Given) -> Sequence[FleetTotal]:
    return () if given.fleet is None else given.fleet.groups or given.fleet.totals


def _draw_causes(given: Given, path: Path, **how: Any) -> None:
    from footprint.reports.plots.tornado import plot_causes

    one = given.readers[0]
    runs = int(one.part("repeats").number("runs") or 1)
    plot_causes(plotted_json.answers_of(one), one.text("name"), runs, path, **how)


def _draw_amounts(given: Given, path: Path, **how: Any) -> Any:
    if _is_one(given, plotted_json.COMPARISON):
        from footprint.reports.decisions.comparison_plot import plot_comparison

        return plot_comparison(plotted_json.comparison_of(given.readers[0]), path, **how)
    if _is_one(given, plotted_json.PROJECT):
        from footprint.reports.decisions.project_plot import plot_project

        return plot_project(plotted_json.project_of(given.readers[0]), path, **how)
    return plot_lines(plotted_json.lines_of(given.readers), "median and 90 % interval", path, **how)


def _draw_curves(given: Given, path: Path, **how: Any) -> None:
    from footprint.reports.decisions.plan_plot import draw_plan

    draw_plan(plotted_json.curves_of(given.readers[0]), path, **how)


def _draw_batches(given: Given, path: Path, **how: Any) -> None:
    from footprint.reports.decisions.inference_plot import draw_batches

    name, of_items, rows = plotted_json.batches_of(given.readers[0])
    draw_batches(rows, name, path, of_items=of_items, **how)


def _draw_power(given: Given, path: Path, **how: Any) -> None:
    plot_power(given.series, path, predicted_w=given.predicted_w, **how)


def _draw_predicted(given: Given, path: Path, **how: Any) -> None:
    if given.compared:
        return plot_compared(given.name, given.compared, path, **how)
    return plot_pairs([] if given.fleet is None else given.fleet.pairs(), path, **how)


def _draw_groups(given: Given, path: Path, **how: Any) -> None:
    """A line a group; kinds and boundaries apart, and named where there are several."""
    found = _groups(given)
    kinds = {(one.kind, one.boundary) for one in found}
    lines = []
    for one in found:
        words = ", ".join(value or "(unknown)" for value in one.by.values()) or "all"
        if len(kinds) > 1:
            words = f"{words} ({NAMES[one.kind]}, {one.boundary})"
        amounts = {"energy_kwh": one.energy_kwh, "co2e_kg": one.co2e_kg, "cost_usd": one.cost_usd}
        measured = one.kind == "measurement"
        lines.append(
            Line(
                label=words,
                amounts=amounts,
                colour=canvas.BLACK if measured else canvas.BLUE,
                marker=canvas.MARKERS[measured],
            )
        )
    by = f" by {', '.join(given.fleet.by)}" if given.fleet is not None and given.fleet.by else ""
    kind, boundary = next(iter(kinds))
    what = f" ({NAMES[kind]}, {boundary})" if len(kinds) == 1 else ""
    boundaries = {boundary for _, boundary in kinds}
    word = f"{next(iter(boundaries))} energy" if len(boundaries) == 1 else "energy"
    panels = {"energy_kwh": (word, "kwh"), "co2e_kg": ("CO2e", "kg"), "cost_usd": ("cost", "usd")}
    plot_lines(lines, f"Sums{by}{what}; lines add the ends of all intervals", path, panels=panels, **how)


_Kind = tuple[Callable[[Given], bool], Callable[..., Any]]
KINDS: Mapping[str, _Kind] = {
    "causes": (_has_causes, _draw_causes),
    "curves": (lambda given: _is_one(given, plotted_json.PLAN), _draw_curves),
    "batches": (lambda given: _is_one(given, plotted_json.INFERENCE), _draw_batches),
    "amounts": (_are_amounts, _draw_amounts),
    "groups": (lambda given: bool(_groups(given)), _draw_groups),
    "predicted": (
        lambda given: bool(given.compared) or (given.fleet is not None and bool(given.fleet.pairs())),
        _draw_predicted,
    ),
    "power": (lambda given: bool(given.series), _draw_power),
}
"""Name -> whether it can be drawn, and what draws it. The first that can be drawn is the default."""


def kinds_of(given: Given) -> list[str]:
    """The plots that can be drawn, the default first."""
    found = [name for name, (fits, _) in KINDS.items() if fits(given)]
    return sorted(found, key=lambda name: name != "power") if _is_a_run(given) else found


def plot(
    given: Given, path: Path, kind: str | None = None, *, width: str = canvas.COLUMN, overwrite: bool = False
) -> str:
    """Draw a plot of what was given, and return its kind.

    Raises:
        FootprintError: nothing can be drawn, or not of this kind; the file exists or is no picture's.
    """
    canvas.require_picture(path, overwrite=overwrite)
    if width not in canvas.WIDTHS_IN:
        raise FootprintError(f"`width=` must be one of {', '.join(canvas.WIDTHS_IN)}")
    possible = kinds_of(given)
    if not possible:
        raise FootprintError("nothing of this can be drawn: it has no numbers")
    if kind is not None and kind not in possible:
        if kind == "causes" and _are_amounts(given):
            raise FootprintError(
                "`kind='causes'` is of one estimate, written with footprint estimate --format json --spread"
            )
        raise FootprintError(f"`kind={kind!r}` cannot be drawn of this; what can be is {', '.join(possible)}")
    chosen = kind or possible[0]
    KINDS[chosen][1](given, path, width=width, overwrite=overwrite)
    return chosen
