"""Two plots of a plan: IsoFLOP curves and lines of equal loss, with published models on them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.catalog.laws import ScalingLaw, find_law, scale_data
from footprint.decisions.plans.laws import FLOP_PER_PARAMETER, Demand, loss_of, of_flop
from footprint.errors import FootprintError
from footprint.records import record
from footprint.reports.decisions.plan_text import short
from footprint.reports.plots import canvas
from footprint.results.decisions.plan import Plan
from footprint.results.human import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BEHIND = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.5}
"""A white box behind words that stand on a curve."""
STEPS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""FLOP of the curves over those of the plan."""
REACH = 100.0
"""How far a curve goes to either side of its lowest point."""
SHOWN = 30.0
"""How much of it is shown."""
POINTS = 120
LETTER, LINE, MARK, BESIDE, RISE = 0.0175, 0.033, 0.012, 0.016, 0.021
"""Of the axes: width of a letter, height of a line, half width of a mark, and from a mark to its name."""
_PANEL_IN, _SMALL_PT = 3.1, 6.0
_COLUMN = 0.94
"""Where the losses of the lines are written, as a share of the width."""
_PLAN, _CURVES, _MODELS = canvas.ORANGE, canvas.BLUE, canvas.GREY


@record
class Curves:
    """What is drawn of a plan."""

    law: str
    parameters: float
    tokens: float
    unique_tokens: float
    flop: float
    loss: float | None


def plot_plan(plan: Plan, path: Path | None, *, overwrite: bool = False) -> Figure:
    """The figure of a plan.

    Raises FootprintError if the law gives no loss, the file exists or its ending is not a supported image
    format.
    """
    curves = Curves(
        law=plan.law, parameters=plan.parameters, tokens=plan.tokens, unique_tokens=plan.unique_tokens,
        flop=plan.flop, loss=plan.loss,
    )  # fmt: skip
    return draw_plan(curves, path, overwrite=overwrite)


def draw_plan(
    plan: Curves, path: Path | None, *, width: str = canvas.PAGE, overwrite: bool = False
) -> Figure:
    """As `plot_plan`, of what is drawn alone."""
    canvas.require_picture(path, overwrite=overwrite)
    law = find_law(plan.law)
    if plan.loss is None:
        raise FootprintError(f"{law.id} gives no loss, so it has no curves to plot: choose another `law=`")
    down, across = (2, 1) if width == canvas.COLUMN else (1, 2)
    with canvas.drawing(width, 0.5 + _PANEL_IN * down) as figure:
        left, right = figure.subplots(down, across).flat
        repeated = plan.unique_tokens < plan.tokens * (1 - 1e-9)
        demand = Demand(unique_tokens=plan.unique_tokens if repeated else None)
        _iso_flop(left, plan, law, demand)
        _iso_loss(right, plan, law, demand)
        canvas.title(
            figure,
            f"{short(plan.parameters)} parameters on {short(plan.tokens)} tokens, by {law.name}; "
            f"losses are the law's ({law.corpus})",
        )
        canvas.save(figure, path, overwrite=overwrite)
    return figure


def _iso_flop(axes: Any, plan: Curves, law: ScalingLaw, demand: Demand) -> None:
    """Loss by parameters, a curve for each number of FLOP (6 N D)."""
    ends, valleys, curves = [], [], []
    for step in STEPS:
        flop = FLOP_PER_PARAMETER * plan.parameters * plan.tokens * step
        middle = plan.parameters * math.sqrt(step)
        sizes = _spaced(middle / REACH, middle * REACH)
        losses = [loss_of(law, size, flop / FLOP_PER_PARAMETER / size, demand) for size in sizes]
        color = _PLAN if step == 1.0 else _CURVES
        axes.plot(sizes, losses, color=color, linewidth=1.8 if step == 1.0 else 1.0)
        lowest = min(losses)
        at = sizes[losses.index(lowest)]
        curves.append((f"{figures(flop, 2)}", color, list(zip(sizes, losses, strict=True))))
        ends += [at / SHOWN, at * SHOWN]
        valleys.append((at, lowest))
    own = loss_of(law, plan.parameters, plan.tokens, demand)
    least = [lowest for _, lowest in valleys]
    room = max(least) - min(least)
    canvas.log_axis(axes.xaxis, min(ends), max(ends), text=_round)
    axes.set_ylim(min(least) - 0.35 * room, max(*least, own) + 0.6 * room)
    inverse = axes.transData + axes.transAxes.inverted()
    taken = _around(inverse.transform((plan.parameters, own)))
    for text, color, points in curves:
        taken += _around(_label(axes, text, color, [tuple(inverse.transform(point)) for point in points]))
    # The published models saw nearly every token once.
    _models(axes, lambda model: loss_of(law, model["parameters"], model["tokens"]), taken)
    axes.plot([plan.parameters], [own], marker="*", markersize=9, color=_PLAN, zorder=5)
    axes.set_title("loss by size for so many FLOP, 6ND (IsoFLOP)", loc="left")
    _finish(axes, "loss [nats a token]")


def _label(axes: Any, text: str, color: str, points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Write a name at the right arm of a curve, and return its middle; all in shares of the axes."""
    lowest = points.index(min(points, key=lambda point: point[1]))
    across, up = next((point for point in points[lowest:] if point[0] > 0.99 or point[1] > 0.95), points[-1])
    across, up = min(across, 0.99), min(up, 0.95)
    at_edge = across > 0.9
    half = LETTER * len(text) / 2
    middle = (across - half, up - 3.5 * LINE) if at_edge else (across + MARK + half, up)
    axes.text(
        *middle, text, color=color, fontsize=_SMALL_PT, ha="center", va="center", transform=axes.transAxes,
        bbox=_BEHIND, zorder=3,
    )  # fmt: skip
    return middle


def _iso_loss(axes: Any, plan: Curves, law: ScalingLaw, demand: Demand) -> None:
    """Tokens by parameters: lines of equal loss and of equal FLOP, and the best sizes."""
    sizes = _spaced(min(plan.parameters / 30, 1e9), max(plan.parameters * 30, 1e12))
    tokens = _spaced(min(plan.tokens / 30, 5e10), max(plan.tokens * 30, 1e13))
    losses = [[loss_of(law, size, count, demand) for size in sizes] for count in tokens]
    levels = sorted(
        {loss_of(law, *_best(law, plan.flop * step, demand), demand) for step in (*STEPS, 1e2, 1e-2)}
    )
    canvas.log_axis(axes.xaxis, sizes[0], sizes[-1], text=_round)
    canvas.log_axis(axes.yaxis, tokens[0], tokens[-1], text=_round)
    places: list[tuple[float, float]] = []
    if len(levels) > 1:
        lines = axes.contour(sizes, tokens, losses, levels=levels, colors=_CURVES, linewidths=0.9)
        # At the right edge lines are flat and far apart.
        column = round(_COLUMN * POINTS)
        places = [
            (sizes[column], crossing)
            for level in levels
            if (crossing := _crossing(tokens, [row[column] for row in losses], level)) is not None
        ]
        digits = next((n for n in range(2, 5) if len({f"{one:.{n}f}" for one in levels}) == len(levels)), 5)
        axes.clabel(lines, fmt=f"%.{digits}f", fontsize=_SMALL_PT, manual=places, inline_spacing=1)
    flops = [plan.flop * 10**power for power in range(-4, 7)]
    best = [_best(law, flop, demand) for flop in flops]
    axes.plot([n for n, _ in best], [d for _, d in best], color=_PLAN, linewidth=1.8)
    axes.plot(
        sizes, [plan.flop / FLOP_PER_PARAMETER / size for size in sizes], color=canvas.GREY, linewidth=0.9,
        linestyle="--",
    )  # fmt: skip
    axes.plot([plan.parameters], [plan.tokens], marker="*", markersize=9, color=_PLAN, zorder=5)
    inverse = axes.transData + axes.transAxes.inverted()
    taken = [beside for place in places for beside in _around(inverse.transform(place))]
    _models(axes, lambda model: float(model["tokens"]), taken)
    axes.set_title("equal loss; best sizes (thick); equal FLOP (dashed)", loc="left")
    _finish(axes, "training tokens")


def _crossing(across: Sequence[float], values: Sequence[float], level: float) -> float | None:
    """Where falling values pass a level; None where they do not."""
    return next((x for x, value in zip(across, values, strict=True) if value <= level < values[0]), None)


def _best(law: ScalingLaw, flop: float, demand: Demand) -> tuple[float, float]:
    found = of_flop(law, flop, demand)
    return found.parameters, found.tokens


def _models(
    axes: Any, height: Callable[[dict[str, Any]], float], taken: Sequence[tuple[float, float]] = ()
) -> None:
    """The published models of the data inside the axes, their names where nothing is yet.

    ``taken`` are places of other marks, in shares of the axes.
    """
    named: dict[tuple[float, float], list[str]] = {}
    for model in scale_data("landscape_2023")["models"]:
        named.setdefault((model["parameters"], height(model)), []).append(model["name"])
    inverse = axes.transData + axes.transAxes.inverted()
    places = [(*inverse.transform(point), ", ".join(names)) for point, names in named.items()]
    seen = [one for one in places if 0.0 < one[0] < 1.0 and 0.0 < one[1] < 1.0]
    marks = [*taken, *((x, y) for x, y, _ in seen)]
    written = [(x - MARK, x + MARK, y) for x, y in marks]
    for across, up, name in seen:
        axes.plot(
            [across], [up], marker="o", markersize=2.5, color=_MODELS, transform=axes.transAxes, zorder=4
        )
        for side, rise in ((1, 1), (1, -1), (-1, 1), (-1, -1), (1, 2), (-1, 2)):
            start = across + BESIDE if side > 0 else across - BESIDE - LETTER * len(name)
            line = up + RISE * rise
            free = all(
                abs(line - other) > LINE or start > end or start + LETTER * len(name) < begin
                for begin, end, other in written
            )
            inside = start > 0 and start + LETTER * len(name) < 1.0 and LINE / 2 < line < 1.0 - LINE / 2
            if free and inside:
                break
        else:
            continue  # a mark without its name is better than a name beside another mark
        written.append((start, start + LETTER * len(name), line))
        axes.text(
            start, line, name, transform=axes.transAxes, fontsize=_SMALL_PT - 0.5, color=_MODELS, va="center",
            clip_on=True, bbox=_BEHIND,
        )  # fmt: skip


def _around(place: tuple[float, float]) -> list[tuple[float, float]]:
    """The width of a wide mark at a place, as places of marks; all in shares of the axes."""
    return [(place[0] + 0.015 * step, place[1]) for step in range(-3, 4)]


def _finish(axes: Any, label: str) -> None:
    axes.set_xlabel("parameters")
    axes.set_ylabel(label)


def _round(value: float) -> str:
    """A power of ten and its parts, such as ``30B``."""
    return re.sub(r"\.?0+(?=[A-Z]?$)", "", short(value)) if "." in short(value) else short(value)


def _spaced(low: float, high: float) -> list[float]:
    """Numbers from low to high, evenly spaced as logarithms."""
    return [low * (high / low) ** (i / (POINTS - 1)) for i in range(POINTS)]
