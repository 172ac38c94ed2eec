"""A sweep as a pandas frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from footprint.decisions.axes import Axes, axes_and_fixed
from footprint.decisions.sweeps import sweep as columns_of_sweep

if TYPE_CHECKING:
    import pandas as pd


def sweep(axes: Axes | None = None, /, **fields: Any) -> pd.DataFrame:
    """Estimates of every combination of the values of some fields: one row a scenario, in axis order.

    A field with a list of values is an axis: ``sweep(model="llama2-7b", hw=["h100:8", "h100:64"])``; or give
    the axes as a mapping. The columns are one an axis, each quantity with ``_low``, ``_mid`` and ``_high``,
    and ``feasible``. `footprint.decisions.sweep` gives the same as arrays, without pandas.

    Raises
    ------
    FootprintError
        For an unknown field, an impossible value or an empty axis.
    """
    import numpy as np
    import pandas as pd

    axes, fields = axes_and_fixed(axes, fields)
    found = columns_of_sweep(axes, **fields)
    rows, stride = np.arange(len(found)), len(found)
    columns: dict[str, Any] = {}
    for name, values in axes.items():
        stride //= len(values)
        plain = [", ".join(map(str, one)) if isinstance(one, list | tuple) else one for one in values]
        columns[name] = pd.Series(plain).take(rows // stride % len(values)).to_numpy()
    return pd.DataFrame({**columns, **found.columns, "feasible": found.fits & found.possible})
