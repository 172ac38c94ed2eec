"""Tokens/s and J a token by the batch, with their 90 % intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.reports.plots import canvas
from footprint.results.decisions.inference import Inference

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_batches(
    result: Inference, path: Path | None, *, width: str = canvas.PAGE, overwrite: bool = False
) -> Figure:
    """Draw the rows of the answer's batches; FootprintError for another ending or an existing file."""
    rows = [(one.batch_size, one.tokens_per_s, one.energy_j_per_output_token) for one in result.batches]
    name = f"{result.model.name} on {result.cluster.count} x {result.cluster.variant}"
    return draw_batches(rows, name, path, of_items=result.items is not None, width=width, overwrite=overwrite)


def draw_batches(
    rows: Sequence[tuple[int, Any, Any]],
    name: str,
    path: Path | None,
    *,
    of_items: bool,
    width: str,
    overwrite: bool = False,
) -> Figure:
    """Draw batches, each with its speed and its energy, which have ``low``, ``mid`` and ``high``."""
    canvas.require_picture(path, overwrite=overwrite)
    word = "item" if of_items else "token"
    panels = (
        (f"{word}s a second", [row[1] for row in rows]),
        (f"energy of the boards [J/{word}]", [row[2] for row in rows]),
    )
    down, across = (2, 1) if width == canvas.COLUMN else (1, 2)
    batches = [row[0] for row in rows]
    with canvas.drawing(width, 0.4 + 1.9 * down) as figure:
        for axes, (words, ends) in zip(figure.subplots(down, across).flat, panels, strict=True):
            errors = [[one.mid - one.low for one in ends], [one.high - one.mid for one in ends]]
            axes.errorbar(
                batches, [one.mid for one in ends], yerr=errors, marker="o", markersize=4, capsize=3,
                color=canvas.BLUE, linewidth=1.2,
            )  # fmt: skip
            canvas.log_axis(axes.xaxis, *canvas.room(batches, 1.3))
            canvas.log_axis(
                axes.yaxis, *canvas.room([end for one in ends for end in (one.low, one.high)], 1.3)
            )
            axes.set_xlabel(f"batch ({word if of_items else 'sequence'}s on all chips)")
            axes.set_ylabel(words)
            axes.grid(visible=True)
        canvas.title(figure, f"{name}; median and 90 % interval")
        canvas.save(figure, path, overwrite=overwrite)
    return figure
