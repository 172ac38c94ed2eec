"""A line that shows where the run is and where it will end; only on a terminal, and quiet elsewhere.

The line is drawn by rich and written whole. Nothing is redirected, no cursor is hidden, no
thread is started: what the training prints stays as it is.
"""

from __future__ import annotations

import contextlib
import shutil
import sys

from footprint.results.human import amount, interval
from footprint.tracking.forecast.run_forecast import Forecast
from footprint.units import SECONDS_PER_HOUR

CLEAR = "\r\x1b[2K"


def wants_progress(progress: bool | None, *, quiet: bool) -> bool:
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
    drawn = ProgressBar(
        total=1.0, completed=forecast.progress, width=bar,
        style="bright_black", complete_style="green", finished_style="green",
    )  # fmt: skip
    grid.add_row(text, drawn, details)
    console = Console(width=width, force_terminal=True, color_system="standard", legacy_windows=False)
    with console.capture() as capture:
        console.print(grid, end="")
    return capture.get().splitlines()[0].rstrip()


def _details(forecast: Forecast) -> list[str]:
    """What is left first: a narrow terminal cuts the end off."""
    parts = [f"{_time(forecast.remaining_h)} left"]
    if forecast.energy_kwh is not None:
        used = "" if forecast.used_kwh is None else f"{amount(forecast.used_kwh, 'kwh')} of "
        parts.append(
            f"{used}{amount(forecast.energy_kwh.mid, 'kwh')} ({interval(forecast.energy_kwh, 'kwh')})"
        )
    if forecast.co2e_kg is not None:
        parts.append(f"{amount(forecast.co2e_kg.mid, 'kg')} CO2e")
    if forecast.cost_usd is not None:
        parts.append(amount(forecast.cost_usd.mid, "usd"))
    return parts


def _time(hours: float) -> str:
    """Time left as a clock shows it, in days where it is long."""
    if hours >= 48:
        return f"{hours / 24:.1f} d"
    seconds = round(hours * SECONDS_PER_HOUR)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


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
