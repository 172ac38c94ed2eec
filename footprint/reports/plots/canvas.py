"""What every plot shares: formats, widths of a page, colours, type, axes, and how a file is written.

A plot is drawn at the width at which it is printed, so its letters have the size that they say. The colours
are those of Okabe and Ito (2008, Color Universal Design), which people with any colour vision tell apart; no
plot rests on colour alone. matplotlib is imported only inside the functions that draw.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.errors import FootprintError
from footprint.plain_text import in_line
from footprint.reports.files import require_writable, write_new

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
WIDTHS_IN = {"column": 3.4, "page": 7.0}
"""A column and a whole page of a paper in two columns, in inches."""
COLUMN, PAGE = WIDTHS_IN
BLACK, BLUE, ORANGE, GREEN, SKY, PURPLE, YELLOW = (
    "#000000", "#0072b2", "#d55e00", "#009e73", "#56b4e9", "#cc79a7", "#f0e442",
)  # fmt: skip
GREY, GRID = "#6b6b6b", "#dddddd"
MARKERS = "osD^vP*"
TEXT_PT, TITLE_PT = 7.0, 8.0
_LETTER_IN = 0.55 * TEXT_PT / 72
"""The mean width of a letter of the text."""
_LETTERS_A_TICK = 5
_DOTS_PER_INCH = 300
_STYLE: Any = {
    "font.size": TEXT_PT, "axes.titlesize": TITLE_PT, "axes.labelsize": TEXT_PT, "xtick.labelsize": TEXT_PT,
    "ytick.labelsize": TEXT_PT, "legend.fontsize": TEXT_PT, "figure.titlesize": TITLE_PT,
    "axes.linewidth": 0.6, "grid.color": GRID, "grid.linewidth": 0.5, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "text.parse_math": False,  # a name with dollar signs is a name
    "pdf.fonttype": 42,  # TrueType, which publishers ask for
    "svg.hashsalt": "footprint",
}  # fmt: skip
_STEPS = (
    (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0),
    (1.0, 3.0), (1.0,),
)  # fmt: skip


def require_picture(path: Path | None, *, overwrite: bool = False) -> None:
    """FootprintError for a path that is no picture's, exists or cannot be written."""
    if path is not None and path.suffix.lower() not in FORMATS:
        raise FootprintError(f"the plot {path}: end its name in {', '.join(FORMATS)}")
    require_writable(path, overwrite=overwrite)


@contextmanager
def drawing(width: str, height_in: float) -> Iterator[Figure]:
    """A figure of one of the `WIDTHS_IN`, in the style of all plots, to be drawn on within the block."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=(WIDTHS_IN[width], height_in), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def save(figure: Figure, path: Path | None, *, overwrite: bool = False) -> None:
    """Write a figure as what the path's ending says; the same figure gives the same bytes on every day.

    Without a path the figure is only drawn.
    """
    if path is None:
        return
    import warnings

    from matplotlib import rc_context

    kind = path.suffix[1:].lower()
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    picture = io.BytesIO()
    with rc_context(_STYLE), warnings.catch_warnings():
        # A name in letters that the font lacks is drawn with boxes.
        warnings.filterwarnings("ignore", message=r"(?s).*[Gg]lyph")
        figure.savefig(picture, format=kind, dpi=_DOTS_PER_INCH, metadata=dates.get(kind))
    write_new(path, picture.getvalue(), overwrite=overwrite)


def title(figure: Figure, text: str) -> None:
    """The title of a figure, broken to its width."""
    letters = int(figure.get_figwidth() / (_LETTER_IN * TITLE_PT / TEXT_PT))
    figure.suptitle("\n".join(textwrap.wrap(in_line(text), letters)), x=0.01, ha="left")


def label(text: str, letters: int = 40, lines: int = 2) -> str:
    """A name on an axis in at most some lines, without its middle if it is longer.

    The end stays: it is what tells the rows of a product of lists apart.
    """
    name = in_line(text)
    found, kept = textwrap.wrap(name, letters) or [""], letters * lines
    while len(found) > lines:
        kept -= 1
        head, tail = name[: -(-kept // 2)].rstrip(), name[-(kept // 2) :].lstrip()
        found = textwrap.wrap(f"{head}…{tail}", letters)
    return "\n".join(found)


def letters_in(width_in: float) -> float:
    """Letters of the text that fit a width, for `log_axis`."""
    return width_in / _LETTER_IN


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers for the labels of a logarithmic axis, as many as there is room for."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    denser: list[float] = []
    for steps in _STEPS:
        found = [step * 10.0**n for n in range(first, last + 1) for step in steps]
        found = [value for value in found if low <= value * (1 + 1e-9) and value <= high * (1 + 1e-9)]
        if 2 <= len(found) <= most:
            return found
        if len(found) < 2:
            break
        denser = found
    return denser[:: -(-len(denser) // most)] if denser else _between(low, high)


def _between(low: float, high: float) -> list[float]:
    """Three round numbers of a range in which no power of ten and its parts lie."""
    step = 10.0 ** math.floor(math.log10((high - low) / 2)) if high > low else low
    for factor in (1.0, 2.0, 5.0, 10.0):
        start = math.ceil(low / (step * factor))
        found = [n * step * factor for n in range(start, int(high / (step * factor)) + 1)]
        if len(found) <= 4:
            return found or [low]
    return [low]


def log_axis(
    axis: Any, low: float, high: float, most: int = 4, text: Callable[[float], str] | None = None,
    letters: float | None = None,
) -> None:  # fmt: skip
    """A logarithmic axis of amounts between two ends, with plain numbers that do not touch.

    ``letters`` are those that fit its length; a height is asked for none.
    """
    name = "x" if axis.axis_name == "x" else "y"
    getattr(axis.axes, f"set_{name}scale")("log")
    getattr(axis.axes, f"set_{name}lim")(low, high)
    length = letters or _LETTERS_A_TICK * most
    for count in range(most, 0, -1):  # long numbers need more room
        values = ticks(low, high, count)
        said = [(text or _plain)(value) for value in values]
        places = [length * math.log(value / low) / math.log(high / low) for value in values]
        if name == "y" or _apart(places, said):
            break
    axis.set_ticks(values, said)
    axis.set_minor_formatter(lambda *_: "")
    axis.set_tick_params(which="minor", length=0)


def _apart(places: Sequence[float], said: Sequence[str]) -> bool:
    """Whether texts that are centred on some places, in letters, leave a letter between one another."""
    ends = [(at - len(text) / 2, at + len(text) / 2) for at, text in zip(places, said, strict=True)]
    return all(one[1] + 1 <= other[0] for one, other in pairwise(ends))


def _plain(value: float) -> str:
    """A round number as it is, or its power of ten."""
    return (
        f"{value:,.10g}" if 1e-4 <= value < 1e7 else f"{value:.2g}".replace("e+0", "e").replace("e-0", "e-")
    )


def bare(axes: Any, *, grid: str = "x") -> None:
    """Axes without a frame on the left, with fine lines across."""
    axes.grid(visible=True, axis=grid, which="major")
    axes.set_axisbelow(True)
    if grid == "x":
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)


def room(values: Sequence[float], factor: float = 1.15) -> tuple[float, float]:
    """The ends of a logarithmic axis around some values above 0."""
    return min(values) / factor, max(values) * factor
