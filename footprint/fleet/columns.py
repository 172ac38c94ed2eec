"""The columns in which runs of every origin are added up, and how report rows become them.

An amount has three columns, ``_low``, ``_mid`` and ``_high``; an amount without an interval has its middle in
all three. pandas is imported only inside the functions that use it.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from footprint.errors import DataFileError
from footprint.results.report_columns import AMOUNTS, KEYS, WORK
from footprint.results.row_reader import refuse_later
from footprint.vocabulary import ENDS, KINDS

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("duration_h", "accelerator_h", "co2e_market_kg")
NAMED = {"project": "name", "model": "model_name", "hardware": "cluster_accelerator", "place": "place_key"}
"""Words for columns of the report; the short form of it has ``model``, ``hardware`` and ``region``."""
_SHORT = {"model": "model", "hardware": "hardware", "place": "region"}
TEXTS = ("boundary", "status", *NAMED)
_WHOLE = {"energy_kwh": "total_energy_kwh", "co2e_kg": "total_co2e_kg", "cost_usd": "total_cost_usd",
          "accelerator_h": "total_accelerator_h"}  # fmt: skip
"""Of an estimate of several runs: the sum of all of them."""
_MARKET = ("co2e_basis", "co2e_kg_basis", "scope_2_basis", "accounting_basis")
_MOST_DEVIANT = 1e30
"""A larger number is no amount of energy, money or time, and its sums would overflow."""


def numbers_wanted() -> list[str]:
    """The columns of a report that hold the amounts."""
    names = [f"{name}_{end}" for name in AMOUNTS for end in ENDS]
    names += [f"{name}_mid" for name in NUMBERS]
    names += [f"{name}_{end}" for name in _WHOLE.values() for end in ENDS]
    plain = [name.removesuffix("_mid") for name in names if name.endswith("_mid")]
    return [
        *names,
        *plain,
        *(f"workload_{name}" for name in WORK),
        "repeats_runs",
        "repeats_failed_share",
        "segments_count",
        "cluster_count",
    ]


def texts_wanted(extra: Collection[str] = ()) -> list[str]:
    """The columns of a report that say which run it was, and ``extra`` ones to group by."""
    names = (*KEYS, "boundary", "status", *NAMED.values(), *_SHORT.values(), *_MARKET, "restarted_share",
             "schema")  # fmt: skip
    return list(dict.fromkeys((*names, *extra)))


def tidy(given: pd.DataFrame, origin: object, extra: Collection[str] = ()) -> pd.DataFrame:
    """Report rows, full or short, as the columns that are added up.

    Raises:
        DataFileError: a kind that there is not, a number that cannot be, market-based CO2e among
            location-based CO2e, or rows of a later schema.
    """
    import pandas as pd

    _refuse_market(given, origin)
    if "schema" in given:
        for schema in given["schema"].dropna().unique():
            refuse_later(str(schema), origin)
    made: dict[str, Any] = {name: given[name] for name in KEYS}
    for name in TEXTS:
        made[name] = _text(given, name)
    count = _number(given, "repeats_runs", origin).fillna(1.0)
    for name in NUMBERS:
        made[name] = _number(given, f"{name}_mid", origin, name)
    for name in AMOUNTS:
        mid = _number(given, f"{name}_mid", origin, name)
        for end in ENDS:
            found = mid if end == "mid" else _filled(_number(given, f"{name}_{end}", origin), mid)
            made[f"{name}_{end}"] = _all_runs(given, _WHOLE[name], end, found, origin)
    made["accelerator_h"] = _all_runs(given, _WHOLE["accelerator_h"], "mid", made["accelerator_h"], origin)
    made["duration_h"] = made["duration_h"] * count
    made["runs_in_row"] = count
    for name in WORK:
        made[name] = _number(given, f"workload_{name}", origin)
    made["segments_count"] = _number(given, "segments_count", origin).fillna(1.0)
    made["failed_share"] = _number(given, "repeats_failed_share", origin).fillna(0.0)
    made["restarted_share"] = _number(given, "restarted_share", origin).fillna(0.0)
    for name in extra:
        if name not in made and name in given:
            made[name] = given[name]
    frame = pd.DataFrame(made, copy=False)
    _check_kinds(frame, origin)
    return frame


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tidy rows of several inputs in one frame."""
    import pandas as pd

    if len(frames) == 1:
        (one,) = frames
        return one if isinstance(one.index, pd.RangeIndex) else one.reset_index(drop=True)
    with warnings.catch_warnings():
        # pandas 2 warns that pandas 3 looks at the type of an empty column, too: nothing here depends on it.
        warnings.simplefilter("ignore", FutureWarning)
        return pd.concat(frames, ignore_index=True)


def tidy_records(rows: Iterable[Mapping[str, Any]], origin: object, extra: Collection[str]) -> pd.DataFrame:
    """As `tidy`, of rows with the values of `footprint.results.rows.report_row`."""
    import pandas as pd

    wanted = {*texts_wanted(extra), *numbers_wanted()}
    cells = [{name: value for name, value in row.items() if name in wanted} for row in rows]
    frame = pd.DataFrame(cells)
    for name in KEYS:
        if name not in frame:
            frame[name] = None
    return tidy(frame, origin, extra)


def _text(given: pd.DataFrame, name: str) -> Any:
    column = NAMED.get(name, name)
    if column in given:
        found = given[column]
    elif _SHORT.get(name) in given:
        found = given[_SHORT[name]]
        if name == "hardware":  # the short form writes the count behind the chip
            found = _without_count(found)
    else:
        found = None
    if found is None and name == "boundary":
        return _constant("facility", len(given))  # the short form of the report has no other
    return found


def _constant(word: str, count: int) -> Any:
    """A column of one word."""
    import numpy as np
    import pandas as pd

    return pd.Categorical.from_codes(np.zeros(count, dtype="int8"), pd.Index([word]))


def _without_count(found: pd.Series) -> Any:
    """Hardware such as ``v100-sxm2-16gb:8`` without the count; each of the few words is looked at once."""
    import numpy as np
    import pandas as pd

    words = found.astype("category")
    chips = words.cat.categories.astype("str").str.replace(r":\d+$", "", regex=True)
    numbers, names = pd.factorize(chips)
    codes = words.cat.codes.to_numpy()
    return pd.Categorical.from_codes(np.where(codes >= 0, np.append(numbers, -1)[codes], -1), names)


def _number(given: pd.DataFrame, name: str, origin: object, other: str = "") -> pd.Series:
    """A column of numbers; NaN where there is none. ``other`` is its name where it has no interval."""
    import numpy as np
    import pandas as pd

    if name not in given and other not in given:
        return pd.Series(np.nan, index=given.index)
    found = given[name if name in given else other]
    if name in given and other in given:
        found = found.fillna(given[other])
    try:
        numbers = found if found.dtype == "float64" else pd.to_numeric(found).astype("float64")
    except (ValueError, TypeError):
        raise DataFileError(f"{origin}: the column {name} holds something that is no number") from None
    values = numbers.to_numpy()
    wrong = (values < 0) | (values > _MOST_DEVIANT)
    if wrong.any():
        raise DataFileError(f"{origin}: {name} is {values[wrong][0]:g} in a row, which cannot be")
    return numbers


def _filled(numbers: pd.Series, other: pd.Series) -> pd.Series:
    return numbers.fillna(other) if numbers.isna().any() else numbers


def _all_runs(given: pd.DataFrame, name: str, end: str, one_run: Any, origin: object) -> Any:
    other = name if end == "mid" else ""
    if f"{name}_{end}" not in given and other not in given:
        return one_run
    whole = _number(given, f"{name}_{end}", origin, other)
    return whole.fillna(one_run) if whole.notna().any() else one_run


def _check_kinds(frame: pd.DataFrame, origin: object) -> None:
    for kind in frame["kind"].dropna().unique():
        if kind not in KINDS:
            raise DataFileError(
                f"{origin}: a row of the kind {str(kind)[:60]!r}; there are {', '.join(KINDS)}"
            )
    if frame["kind"].isna().any():
        raise DataFileError(f"{origin}: a row says not whether it is one of {', '.join(KINDS)}")


def _refuse_market(given: pd.DataFrame, origin: object) -> None:
    for name in _MARKET:
        if name in given:
            found = {str(one).strip().lower().replace("_", "-") for one in given[name].dropna().unique()}
            if any(one.startswith("market") for one in found):
                raise DataFileError(
                    f"{origin}: co2e_kg holds market-based CO2e ({name}), which is never added to "
                    "location-based CO2e: put it into the column co2e_market_kg"
                )
