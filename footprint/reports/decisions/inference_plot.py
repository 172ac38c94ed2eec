"""Tokens/s and J a token by the batch, with their 90 % intervals."""

from __future__ import annotations

from pathlib import Path

from footprint.reports.files import write_new
from footprint.reports.plots.intervals import require_image
from footprint.results import Quantity
from footprint.results.inference import Inference


def plot_batches(result: Inference, path: Path | str, *, overwrite: bool = False) -> None:
    """Draw the rows of the answer's batches; FootprintError for another ending or an existing file."""
    target = Path(path)
    require_image(target)
    from io import BytesIO

    from matplotlib.figure import Figure

    items = result.items is not None
    batches = [one.batch_size for one in result.batches]
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, label, quantities in (
        (axes[0], "items/s" if items else "tokens/s", [one.tokens_per_s for one in result.batches]),
        (
            axes[1],
            "J an item, boards" if items else "J a token, boards",
            [one.energy_j_per_output_token for one in result.batches],
        ),
    ):
        middles = [one.mid for one in quantities]
        axis.errorbar(batches, middles, yerr=_errors(quantities), marker="o", capsize=4, color="C0")
        axis.set(xscale="log", yscale="log", xlabel="batch (all chips)", ylabel=label)
        axis.grid(visible=True, which="both", alpha=0.25)
    figure.suptitle(f"{result.model.name} on {result.cluster.count} x {result.cluster.variant}", fontsize=10)
    buffer = BytesIO()
    figure.savefig(buffer, format=target.suffix[1:].lower(), dpi=150)
    write_new(target, buffer.getvalue(), overwrite=overwrite)


def _errors(quantities: list[Quantity]) -> list[list[float]]:
    return [[one.mid - one.low for one in quantities], [one.high - one.mid for one in quantities]]
