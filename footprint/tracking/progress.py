"""A line that shows where the run is and where it will end; only on a terminal, and quiet elsewhere.

The line is drawn by rich and written whole. Nothing is redirected, no cursor is hidden, no
thread is started: what the training prints stays as it is.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from footprint.tracking.watch import Forecast

CLEAR = "\r\x1b[2K"


def wanted(progress: bool | None, *, quiet: bool) -> bool:
    """Whether to draw: as asked, else on a terminal."""
    if progress is not None:
        return progress
    return not quiet and sys.stderr is not None and sys.stderr.isatty()


def line_of(forecast: Forecast, width: int) -> str:
    """The line for a terminal of some width, with colours."""
    from rich.console import Console
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    text = Text()
    text.append(f"{forecast.progress:4.0%} ", style="bold")
    details = Text(" " + " | ".join(_details(forecast)), no_wrap=True, overflow="ellipsis")
    bar = max(8, min(24, width - 60))
    grid = Table.grid()
    grid.add_column(width=5)
    grid.add_column(width=bar)
    grid.add_column(no_wrap=True, overflow="ellipsis", width=max(10, width - bar - 6))
    grid.add_row(text, ProgressBar(total=1.0, completed=forecast.progress, width=bar), details)
    console = Console(width=width, force_terminal=True, color_system="standard", legacy_windows=False)
    with console.capture() as capture:
        console.print(grid, end="")
    return capture.get().splitlines()[0].rstrip()


def _details(forecast: Forecast) -> list[str]:
    parts = []
    if forecast.energy_kwh is not None:
        energy = forecast.energy_kwh
        used = f"{forecast.used_kwh:.3g} of " if forecast.used_kwh is not None else ""
        parts.append(f"{used}{energy.mid:.3g} kWh ({energy.low:.2g}-{energy.high:.2g})")
    if forecast.co2e_kg is not None:
        parts.append(f"{forecast.co2e_kg.mid:.3g} kgCO2e")
    if forecast.cost_usd is not None:
        parts.append(f"${forecast.cost_usd.mid:.3g}")
    parts.append(f"{_time(forecast.remaining_h)} left")
    return parts


def _time(hours: float) -> str:
    if hours >= 48:
        return f"{hours / 24:.1f} d"
    if hours >= 1:
        return f"{int(hours)}:{int(hours % 1 * 60):02d} h"
    return f"{int(hours * 60)}:{int(hours * 3600 % 60):02d} min"


class ProgressLine:
    """Draws over its own last line and clears it at the end."""

    def __init__(self) -> None:
        self._drawn = False

    def draw(self, forecast: Forecast) -> None:
        """Show a forecast in place of the last one."""
        width = shutil.get_terminal_size((100, 24)).columns
        self._write(CLEAR + line_of(forecast, max(40, width - 1)))
        self._drawn = True

    def clear(self) -> None:
        """Leave the terminal's line empty for whoever prints next."""
        if self._drawn:
            self._write(CLEAR)
            self._drawn = False

    @staticmethod
    def _write(text: str) -> None:
        with contextlib.suppress(Exception):  # a closed terminal is no reason to fail
            sys.stderr.write(text)
            sys.stderr.flush()
