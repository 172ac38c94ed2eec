"""codecarbon's ``emissions.csv``, whose rows of one run are cumulative: the last of them is the run.

``energy_consumed`` is kWh, ``emissions`` kg, ``duration`` seconds; ``timestamp`` is the end of the row, in
local time without a zone (codecarbon 3.3, `codecarbon.output.EmissionsData`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.errors import DataFileError
from footprint.fleet.columns import tidy
from footprint.fleet.settings import Read, Settings
from footprint.fleet.sources import header_of
from footprint.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    import pandas as pd

FORM = "codecarbon"
LARGEST_BYTES = 2 << 30
_NEEDED = ("timestamp", "project_name", "duration", "emissions", "energy_consumed")
_TEXTS = ("run_id", "experiment_id", "gpu_model", "cpu_model", "country_iso_code")
_NUMBERS = ("duration", "emissions", "energy_consumed", "pue")


def fits(_: Path, head: str) -> bool:
    """Whether the header is codecarbon's."""
    return set(_NEEDED) <= set(header_of(head))


def read(path: Path, settings: Settings) -> Read:
    """One row a run: the last of its cumulative rows."""
    import pandas as pd

    if path.stat().st_size > LARGEST_BYTES:
        raise DataFileError(f"{path}: larger than {LARGEST_BYTES >> 30} GiB: split it")
    wanted = {*_NEEDED, *_NUMBERS, *_TEXTS, *settings.extra}
    try:
        given = pd.read_csv(
            path, dtype="str", keep_default_na=False, na_values=[""], index_col=False,
            encoding_errors="replace", usecols=lambda name: name in wanted,
        )  # fmt: skip
    except pd.errors.ParserError as error:
        raise DataFileError(f"{path}: not a CSV file: {error}") from None
    if not len(given):
        raise DataFileError(f"{path}: no row")
    for name in _NUMBERS:
        if name in given:
            try:
                given[name] = pd.to_numeric(given[name])
            except ValueError:
                raise DataFileError(f"{path}: the column {name} holds something that is no number") from None
    last = _last_rows(given)
    note = f"{path}: codecarbon reads CPU, GPU and memory or models them; its file says not which"
    return Read(tidy(_as_report(last, path), path, settings.extra), 0, [note])


def _last_rows(given: pd.DataFrame) -> pd.DataFrame:
    """The last row of each run, and of each part of one whose duration began anew."""
    names = [name for name in ("run_id", "project_name", "experiment_id") if name in given]
    groups = given.groupby(names, dropna=False, sort=False)
    began_anew = groups["duration"].diff() < 0
    part = began_anew.groupby([given[name].fillna("") for name in names], sort=False).cumsum()
    return given.assign(part=part).drop_duplicates([*names, "part"], keep="last")


def _as_report(last: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The rows under the names of the report."""
    import pandas as pd

    ended = pd.to_datetime(last["timestamp"], errors="coerce", format="ISO8601")
    if ended.isna().any():
        raise DataFileError(f"{path}: a timestamp cannot be read: {str(last['timestamp'].iloc[0])[:40]!r}")
    started = ended - pd.to_timedelta(last["duration"].fillna(0.0), unit="s")
    pue = last["pue"] if "pue" in last else pd.Series(1.0, index=last.index)

    def text(*names: str) -> Any:
        return next((last[name] for name in names if name in last and last[name].notna().any()), None)

    made: dict[str, Any] = {
        "kind": "measurement",
        "run_id": text("run_id"),
        "started_at": started.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str.slice(0, 23),
        "boundary": ["facility" if (one or 1.0) > 1.0 else "node" for one in pue],
        "name": text("project_name"),
        "cluster_accelerator": text("gpu_model", "cpu_model"),
        "place_key": text("country_iso_code"),
        "duration_h": last["duration"] / SECONDS_PER_HOUR,
        "energy_kwh": last["energy_consumed"],
        "co2e_kg": last["emissions"],
    }
    others = last.drop(columns=[name for name in last if name in (*made, "part", *_NUMBERS)])
    return others.assign(**made)
