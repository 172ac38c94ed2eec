"""A validation as text for people: every row with its interval, then scores, baselines and notes."""

from __future__ import annotations

from collections.abc import Iterator

from footprint.results.human import figures, wrapped
from footprint.validation.report import ValidationReport, ValidationRow

WIDTH = 80
SCORES = {
    "median_error": "median error", "median_over_folds": "median over folds",
    "within_1_25": "within 1.25x", "within_1_5": "within 1.5x", "within_2": "within 2x",
}  # fmt: skip


def render(report: ValidationReport) -> str:
    """The rows in 80 columns, then the scores, the baselines and the notes."""
    lines = list(_rows(report))
    lines += ["", *_scores(report)]
    for name, scores in report.baselines.items():
        each = ", ".join(f"{SCORES.get(key, key)} {value:.3g}" for key, value in scores.items())
        lines += _hanging(f"baseline {name}: {each}")
    if report.notes:
        lines += ["", *(line for note in report.notes for line in _hanging(note))]
    return "\n".join(lines)


def _rows(report: ValidationReport) -> Iterator[str]:
    """Lines of at most 80 columns; long names of rows are shortened."""
    ranged = report.coverage is not None
    heading = (
        "row",
        "published",
        "predicted",
        "unit",
        *(("ratio", "90 % interval", "") if ranged else ("",)),
    )
    table = [heading, *(_cells(row, ranged) for row in report.rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(heading))]
    widths[0] = max(12, widths[0] + min(0, WIDTH - sum(widths) - 2 * (len(widths) - 1)))
    for name, published, predicted, *rest in table:
        shown = name if len(name) <= widths[0] else name[: widths[0] - 2] + ".."
        cells = [f"{shown:<{widths[0]}}", f"{published:>{widths[1]}}", f"{predicted:>{widths[2]}}"]
        cells += [f"{text:<{width}}" for text, width in zip(rest, widths[3:], strict=True)]
        yield "  ".join(cells).rstrip()


def _cells(row: ValidationRow, ranged: bool) -> tuple[str, ...]:
    if not ranged:
        return row.id, f"{row.published:,.10g}", f"{row.predicted:,.7g}", row.unit, row.fold
    ends, hit = "", ""
    if row.low is not None and row.high is not None:
        ends = f"{_end(row.low)} - {_end(row.high)}"
        hit = "" if row.low <= row.published <= row.high else "*"
    ratio = figures(row.predicted / row.published, 2)
    return row.id, figures(row.published), figures(row.predicted), row.unit, ratio, ends, hit


def _end(value: float) -> str:
    return f"{figures(value / 1e6, 2)}M" if value >= 1e6 else figures(value, 2)


def _scores(report: ValidationReport) -> Iterator[str]:
    yield from _hanging(
        f"rows {len(report.rows):,}, median error {report.median_error:.1%}, over folds "
        f"{report.median_over_folds:.1%}; nine in ten within {report.ninety_percent_factor:.2f}x"
    )
    yield "within a factor of " + ", ".join(f"{f:g}: {report.within(f):.0%}" for f in (1.25, 1.5, 2.0))
    band = report.coverage_band
    if report.coverage is None or report.interval_score is None or band is None:
        return
    yield "* published outside the interval"
    yield from _hanging(
        f"90 % intervals hold {report.coverage:.0%} of the rows (expected for this number of rows: "
        f"{band[0]:.0%} to {band[1]:.0%}); "
        f"interval score {report.interval_score:.3f}"
    )


def _hanging(text: str) -> list[str]:
    first, *rest = wrapped(text, WIDTH - 2)
    return [first, *(f"  {line}" for line in rest)]
