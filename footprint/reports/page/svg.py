"""Drawings as inline SVG, 360 wide so that a phone shows them in full; the colours are the page's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from footprint.plain_text import in_line
from footprint.records import record
from footprint.reports.page.parts import NOTHING, Whole

WIDTH = 360.0
_EDGE = 4.0
_ROW = 44.0
_DOT = 2.0


@record
class Bar:
    """A bar: from ``low`` to ``high`` around ``mid``, and what is said of it."""

    label: str
    low: float
    mid: float
    high: float
    text: str
    strong: bool = False


def _svg(height: float, title: str, parts: Sequence[str], *, name: str = "chart") -> Whole:
    return Whole(
        f'<svg class="{name}" viewBox="0 0 {WIDTH:g} {height:g}" role="img" '
        f'aria-label="{_said(title)}">{"".join(parts)}</svg>'
    )


def _said(text: str) -> str:
    return escape(in_line(text))


def _text(x: float, y: float, text: str, *, anchor: str = "start", name: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{name}">{_said(text)}</text>'


def _scale(least: float, most: float, *, log: bool, left: float, right: float) -> tuple[float, float]:
    """Factor and offset of a linear or logarithmic axis."""
    a, b = (math.log(least), math.log(most)) if log else (least, most)
    factor = (right - left) / (b - a) if b > a else 0.0
    return factor, left - a * factor


def mini(low: float, mid: float, high: float, title: str) -> Whole:
    """An interval and its median on a line of logarithms."""
    if not 0 < low < high:
        return NOTHING
    factor, offset = _scale(low, high, log=True, left=6, right=WIDTH - 6)
    x = math.log(mid) * factor + offset
    return _svg(
        14, title,
        [f'<rect class="band" x="6" y="5" width="{WIDTH - 12:g}" height="4" rx="2"/>',
         f'<circle class="dot" cx="{x:.1f}" cy="7" r="6"/>'],
        name="mini",
    )  # fmt: skip


def tornado(bars: Sequence[Bar], title: str) -> Whole:
    """How far each cause moves a median: bars around a line, on a scale of logarithms."""
    least, most = min(bar.low for bar in bars), max(bar.high for bar in bars)
    factor, offset = _scale(least, most, log=True, left=_EDGE, right=WIDTH - _EDGE)
    middle = math.log(bars[0].mid) * factor + offset
    height = _ROW * len(bars) - 8
    parts = []
    for i, bar in enumerate(bars):
        y = i * _ROW
        x1, x2 = (math.log(end) * factor + offset for end in (bar.low, bar.high))
        name = "bar strong" if bar.strong else "bar"
        parts += [
            _text(_EDGE, y + 13, bar.label, name="label"),
            _text(WIDTH - _EDGE, y + 13, bar.text, anchor="end", name="value"),
            f'<rect class="{name}" x="{x1:.1f}" y="{y + 18:g}" width="{max(x2 - x1, 1.5):.1f}" height="13"/>',
            f'<line class="axis" x1="{middle:.1f}" x2="{middle:.1f}" y1="{y + 16:g}" y2="{y + 33:g}"/>',
            f'<line class="mid" x1="{middle:.1f}" x2="{middle:.1f}" y1="{y + 18:g}" y2="{y + 31:g}"/>',
        ]
    return _svg(height, title, parts)


def bars(rows: Sequence[Bar], title: str) -> Whole:
    """Amounts from zero on, with their intervals where they have one."""
    most = max((bar.high for bar in rows), default=0.0) or 1.0
    factor = (WIDTH - 2 * _EDGE) / most
    parts = []
    for i, bar in enumerate(rows):
        y = i * _ROW
        parts += [
            _text(_EDGE, y + 13, bar.label, name="label"),
            _text(WIDTH - _EDGE, y + 13, bar.text, anchor="end", name="value"),
            f'<rect class="rail" x="{_EDGE}" y="{y + 18:g}" width="{WIDTH - 2 * _EDGE:g}" height="13"/>',
            f'<rect class="{"bar strong" if bar.strong else "bar"}" x="{_EDGE}" y="{y + 18:g}" '
            f'width="{max(bar.mid * factor, 1.5):.1f}" height="13" rx="2"/>',
        ]
        if bar.low < bar.high:
            x1, x2 = _EDGE + bar.low * factor, _EDGE + bar.high * factor
            parts += [
                f'<line class="whisker" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y + 24.5:g}" y2="{y + 24.5:g}"/>',
                *(f'<line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{y + 20.5:g}" y2="{y + 28.5:g}"/>'
                  for x in (x1, x2)),
            ]  # fmt: skip
    return _svg(_ROW * len(rows) - 8, title, parts)


def scatter(
    points: Sequence[Bar], ticks: Sequence[tuple[float, str]], title: str, axes: tuple[str, str]
) -> Whole:
    """Predicted values with their intervals across, measured values up (``low`` to ``high`` at ``mid``).

    A point's ``text`` is the measured value as a number. Both axes are the same scale of logarithms, so the
    diagonal is where the two are equal.
    """
    ys = [float(point.text) for point in points]
    least = min(min(point.low for point in points), *ys) / 1.3
    most = max(max(point.high for point in points), *ys) * 1.3
    left, right, top, bottom = 76.0, WIDTH - 10, 10.0, 306.0
    fx, ox = _scale(least, most, log=True, left=left, right=right)
    fy, oy = _scale(least, most, log=True, left=bottom, right=top)
    parts = [f'<line class="grid" x1="{left:g}" y1="{bottom:g}" x2="{right:g}" y2="{top:g}"/>']
    for value, text in ticks:
        if not least <= value <= most:
            continue
        x, y = math.log(value) * fx + ox, math.log(value) * fy + oy
        parts += [
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top:g}" y2="{bottom:g}"/>',
            f'<line class="grid" x1="{left:g}" x2="{right:g}" y1="{y:.1f}" y2="{y:.1f}"/>',
            _text(min(x, right - 14), bottom + 15, text, anchor="middle", name="tick"),
            _text(left - 5, y + 4, text, anchor="end", name="tick"),
        ]
    for point, measured in zip(points, ys, strict=True):
        y = math.log(measured) * fy + oy
        x1, x, x2 = (math.log(value) * fx + ox for value in (point.low, point.mid, point.high))
        name = "point" if point.low <= measured <= point.high else "point missed"
        parts += [
            f'<line class="{name}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>',
            f'<circle class="{name}" cx="{x:.1f}" cy="{y:.1f}" r="4">'
            f"<title>{_said(point.label)}</title></circle>",
        ]
    parts += [
        _text((left + right) / 2, bottom + 32, axes[0], anchor="middle", name="tick"),
        f'<text class="tick" transform="translate(11 {(top + bottom) / 2:g}) rotate(-90)" '
        f'text-anchor="middle">{_said(axes[1])}</text>',
    ]
    return _svg(344, title, parts)


def line(
    points: Sequence[tuple[float, float | None]],
    title: str,
    until: tuple[float, str],
    heights: tuple[tuple[float, str], tuple[float, str]],
    *,
    filled: bool = True,
) -> Whole:
    """A value over time from 0 on: a line through its readings, broken where there is none.

    ``until`` is the end of the time and its words, ``heights`` are the bottom and the top and their words.
    """
    top, bottom, left, right = 20.0, 150.0, _EDGE, WIDTH - _EDGE
    (least, low), (most, high) = heights
    fx, ox = _scale(0.0, until[0], log=False, left=left, right=right)
    fy, oy = _scale(least, most, log=False, left=bottom, right=top) if most > least else (0.0, bottom)
    parts = [f'<line class="grid" x1="{left}" x2="{right}" y1="{top}" y2="{top}"/>']
    for some in _unbroken(points):
        places = [(x * fx + ox, y * fy + oy) for x, y in some]
        path = " L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        if filled:
            ground = f"M{places[0][0]:.1f} {bottom:g} L{path} L{places[-1][0]:.1f} {bottom:g} Z"
            parts.append(f'<path class="area" d="{ground}"/>')
        if len(places) == 1:  # a reading between two gaps
            path += f" h{_DOT:g}"
        parts.append(f'<path class="curve" d="M{path}"/>')
    parts += [
        f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>',
        _text(left, top - 5, high, name="tick"),
        _text(left, bottom - 5, low, name="tick") if low else "",
        _text(left, bottom + 16, "0", name="tick"),
        _text(right, bottom + 16, until[1], anchor="end", name="tick"),
    ]
    return _svg(172, title, parts)


def _unbroken(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """The stretches of a curve without a missing value."""
    found: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is not None:
            found[-1].append((x, y))
        elif found[-1]:
            found.append([])
    return [some for some in found if some]
