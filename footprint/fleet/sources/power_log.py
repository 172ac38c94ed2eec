"""Power logs of accelerators: ``nvidia-smi --query-gpu=timestamp,index,power.draw --format=csv`` and DCGM.

The energy of each board is the integral of its power between readings (trapezoids), or the difference of
its energy counter. An interval without readings is a gap: nothing is assumed for it, and it is reported.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.errors import DataFileError
from footprint.fleet.columns import tidy_records
from footprint.fleet.settings import Read, Settings
from footprint.fleet.sources import header_of
from footprint.results.fleet import PowerSeries
from footprint.units import JOULE_PER_KWH, SECONDS_PER_HOUR

if TYPE_CHECKING:
    import pandas as pd

FORM = "power-log"
LARGEST_BYTES = 2 << 30
GAP_READINGS, LEAST_GAP_S = 10.0, 5.0
"""An interval is a gap if it is longer than so many usual ones, and than so many seconds."""
MOST_POINTS = 300
MOST_W = 20_000.0
"""Of one board; more is no reading."""
_TIMES = ("timestamp", "time", "ts", "date")
_WATTS = ("power.draw", "power.draw.instant", "power.draw.average", "dcgm_fi_dev_power_usage",
          "dcgm_fi_dev_power_usage_instant")  # fmt: skip
_COUNTERS = ("dcgm_fi_dev_total_energy_consumption",)
_BOARDS = ("uuid", "gpu_uuid", "index", "gpu", "device", "pci.bus_id", "gpu_bus_id")
_CHIPS = ("name", "gpu_name", "modelname")
_READ = {*_TIMES, *_WATTS, *_COUNTERS, *_BOARDS, *_CHIPS}
_MILLIJOULES = 1000.0


def fits(path: Path, head: str) -> bool:
    """Whether the header has a time and the power, or the energy counter, of a board."""
    names = set(map(_plain, header_of(head)))
    return path.is_file() and bool(names & set(_TIMES)) and bool(names & {*_WATTS, *_COUNTERS})


def read(path: Path, settings: Settings) -> Read:
    """One row, a measurement at the boundary *accelerator*."""
    import pandas as pd

    if path.stat().st_size > LARGEST_BYTES:
        raise DataFileError(f"{path}: larger than {LARGEST_BYTES >> 30} GiB: split it")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        given = pd.read_csv(
            path, dtype="str", skipinitialspace=True, index_col=False, encoding_errors="replace",
            usecols=lambda name: _plain(name) in _READ,
        )  # fmt: skip
    except pd.errors.ParserError as error:
        raise DataFileError(f"{path}: not a CSV file: {error}") from None
    given.columns = pd.Index(map(_plain, given.columns))
    moments = _moments(given, path)
    board = next((given[name] for name in _BOARDS if name in given), None)
    if board is None and moments.duplicated().any():
        raise DataFileError(
            f"{path}: several readings have one time, and nothing says of which board each is: "
            "add index or uuid to --query-gpu"
        )
    watts = next((name for name in _WATTS if name in given), None)
    value = _numbers(given, watts or _COUNTERS[0], path)
    frame = pd.DataFrame(
        {"at": moments, "value": value, "board": "0" if board is None else board.fillna("0")}
    )
    frame = frame.dropna().drop_duplicates(["board", "at"]).sort_values(["board", "at"], kind="stable")
    if frame.groupby("board").size().max() < 2 or not len(frame):
        raise DataFileError(f"{path}: less than two readings of a board, so no energy")
    joules, gaps, gap_s = _integrated(frame, watts is not None)
    notes = [f"{path}: {gaps:,} gaps without readings, {gap_s:,.0f} s of all boards together, were left out"]
    series = [_series(path, frame)] if watts is not None else []
    return Read(_row(path, digest, given, frame, joules, settings), 0, notes if gaps else [], series)


def _integrated(frame: pd.DataFrame, of_power: bool) -> tuple[float, int, float]:
    """Energy of all boards [J], the number of gaps, and their length together [s]."""
    groups = frame.groupby("board", sort=False)
    step_s = groups["at"].diff()
    if not of_power:
        rise = groups["value"].diff()  # a counter that fell began anew
        return float(rise[rise > 0].sum()) / _MILLIJOULES, 0, 0.0
    is_gap = _gaps(frame)
    mean_w = (frame["value"] + groups["value"].shift()) / 2.0
    read = step_s.notna() & ~is_gap
    return float((mean_w * step_s)[read].sum()), int(is_gap.sum()), float(step_s[is_gap].sum())


def _gaps(frame: pd.DataFrame) -> pd.Series:
    """Whether a gap ends at a reading."""
    step_s = frame.groupby("board", sort=False)["at"].diff()
    usual_s = step_s.groupby(frame["board"], sort=False).transform("median")
    return step_s > (GAP_READINGS * usual_s).clip(lower=LEAST_GAP_S)


def _series(path: Path, frame: pd.DataFrame) -> PowerSeries:
    """The mean power of all boards together in equal stretches of time; None in the gap of a board.

    A board counts from its first reading to its last one.
    """
    import numpy as np

    begin, end = float(frame["at"].min()), float(frame["at"].max())
    count = min(MOST_POINTS, max(2, len(frame) // frame["board"].nunique()))
    width_s = (end - begin) / count
    middles = begin + (np.arange(count) + 0.5) * width_s
    watts = np.zeros(count)
    for _, rows in frame.assign(gap=_gaps(frame)).groupby("board", sort=False):
        at_s = rows["at"].to_numpy()
        bins = np.minimum(((at_s - begin) / width_s).astype("int64"), count - 1)
        mean_w = rows.groupby(bins)["value"].mean()
        ours = np.interp(np.arange(count), mean_w.index, mean_w.to_numpy(), left=0.0, right=0.0)
        for after in np.flatnonzero(rows["gap"].to_numpy()):
            inside = (middles > at_s[after - 1]) & (middles < at_s[after])
            inside[mean_w.index] = False
            ours[inside] = np.nan
        watts += ours
    points = tuple(
        (float(hour), None if np.isnan(watt) else float(watt))
        for hour, watt in zip((middles - begin) / SECONDS_PER_HOUR, watts, strict=True)
    )
    return PowerSeries(name=path.stem, boundary="accelerator", points=points)


def _row(
    path: Path, digest: str, given: pd.DataFrame, frame: pd.DataFrame, joules: float, settings: Settings
) -> pd.DataFrame:
    import pandas as pd

    boards = frame["board"].nunique()
    chip = next((given[name].dropna() for name in _CHIPS if name in given), None)
    begin, end = frame["at"].min(), frame["at"].max()
    kwh = joules / JOULE_PER_KWH
    row: dict[str, Any] = {
        "kind": "measurement",
        "run_id": f"power-log-{digest[:12]}",
        "started_at": pd.Timestamp(begin, unit="s").isoformat(timespec="milliseconds"),
        "name": path.stem,
        "boundary": "accelerator",
        "cluster_accelerator": str(chip.iloc[0])[:80] if chip is not None and len(chip) else None,
        "cluster_count": boards,
        "duration_h": (end - begin) / SECONDS_PER_HOUR,
        "accelerator_h": (end - begin) / SECONDS_PER_HOUR * boards,
        "energy_kwh": kwh,
        **_co2e(kwh, settings),
    }
    return tidy_records([row], path, settings.extra)


def _co2e(kwh: float, settings: Settings) -> dict[str, Any]:
    """Location-based CO2e of the energy, where a place or a carbon intensity was given."""
    from footprint.catalog.places.find import find_place, given_place, grid_quantity
    from footprint.equations import co2e_kg

    options = settings.options
    if options.get("grid_g_per_kwh"):
        place = given_place(options["grid_g_per_kwh"])
    elif options.get("region"):
        place, _ = find_place(options["region"], year=options.get("year"))
    else:
        return {}
    co2e = co2e_kg(kwh, grid_quantity(place))
    return {
        "place_key": place.key,
        "co2e_kg_low": co2e.low,
        "co2e_kg_mid": co2e.mid,
        "co2e_kg_high": co2e.high,
    }


def _plain(name: Any) -> str:
    """The name of a column without its unit: ``power.draw [W]`` is ``power.draw``."""
    return re.sub(r"\s*\[.*\]\s*$", "", str(name)).strip().lower()


def _moments(given: pd.DataFrame, path: Path) -> pd.Series:
    """The time of each reading [s since 1970]."""
    import pandas as pd

    column = given[_first(given, _TIMES)]
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().all():
        scale = 1e-3 if numbers.median() > 1e11 else 1.0  # milliseconds
        return numbers * scale
    try:
        found = pd.to_datetime(column.str.replace("/", "-"), format="ISO8601", utc=True)
    except (ValueError, TypeError):
        shown = str(column.dropna().iloc[0])[:40] if column.notna().any() else ""
        raise DataFileError(f"{path}: times such as {shown!r} cannot be read") from None
    return (found - pd.Timestamp(0, tz="UTC")).dt.total_seconds()


def _first(given: pd.DataFrame, names: Sequence[str]) -> str:
    return next(name for name in names if name in given)


def _numbers(given: pd.DataFrame, name: str, path: Path) -> pd.Series:
    """The readings, without their unit; NaN where the board gave none (``[N/A]``)."""
    import pandas as pd

    numbers = pd.to_numeric(given[name].str.replace(r"\s*[a-zA-Z]*$", "", regex=True), errors="coerce")
    wrong = (numbers < 0) | ((numbers > MOST_W) & (name not in _COUNTERS))
    if wrong.any():
        raise DataFileError(f"{path}: {name} is {numbers[wrong].iloc[0]:g} in a row, which no board draws")
    if numbers.notna().sum() == 0:
        raise DataFileError(f"{path}: {name} holds no number")
    return numbers
