"""A sweep part by part: the same numbers as all at once, the best of them, and files that go on."""

from __future__ import annotations

import math
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

import footprint
from footprint.decisions.fronts import AIMS, Front, Least, front_of
from footprint.decisions.streams import MOST_SCENARIOS, NUMBERS, Part, Stream
from footprint.errors import FootprintError
from footprint.reports.decisions.sweeps.sweep_files import write_sweep

AXES = {
    "model": ["bert-base", "llama2-7b", "gpt2", "gpt2-xl"],
    "hw": ["v100:8", "h100:8", "h100:64"],
    "batch_size": [64, 256],
    "region": ["FRA", "POL"],
}
FIXED = {"tokens": 1e10, "seq_len": 512}


def frame_of(parts: list[Part]) -> pd.DataFrame:
    whole = [pd.DataFrame({**part.axes, **part.numbers, "feasible": part.feasible}) for part in parts]
    return pd.concat(whole, ignore_index=True)


def numbers_in(path: Path) -> pd.DataFrame:
    """The scenarios of a file, each of whose rows ends with the versions that computed it."""
    words = {"footprint_version": "str", "data_version": "str"}
    read = pd.read_csv(path, dtype=words) if path.suffix == ".csv" else pd.read_parquet(path)
    assert list(read.columns[-2:]) == list(words)
    assert set(read["footprint_version"]) == {version("footprint-ml")}
    assert read["data_version"].str.fullmatch(r"20\d\d\.\d\d").all()
    return read.iloc[:, :-2]


def sorted_(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(list(AXES)).reset_index(drop=True)


PARTS = list(Stream(AXES, FIXED).parts())
WHOLE = frame_of(PARTS)


def test_the_parts_are_the_sweep() -> None:
    frame = footprint.sweep(**AXES, **FIXED)
    assert list(frame.columns) == [*AXES, *NUMBERS, "feasible"]
    assert len(frame) == len(WHOLE) == math.prod(map(len, AXES.values()))
    pd.testing.assert_frame_equal(sorted_(WHOLE), sorted_(frame), rtol=1e-12)
    first = frame.iloc[0]
    one = footprint.estimate(model="bert-base", hw="v100:8", batch_size=64, region="FRA", **FIXED)
    assert first["energy_kwh_mid"] == pytest.approx(one.energy_kwh.mid, rel=1e-9)


def test_a_sample_is_of_the_grid_and_the_same_for_a_seed() -> None:
    found = frame_of(list(Stream(AXES, FIXED, sample=9, seed=4).parts()))
    again = frame_of(list(Stream(AXES, FIXED, sample=9, seed=4).parts()))
    other = frame_of(list(Stream(AXES, FIXED, sample=9, seed=5).parts()))
    pd.testing.assert_frame_equal(found, again)
    assert not found[list(AXES)].equals(other[list(AXES)])
    merged = found.merge(WHOLE, on=list(AXES), suffixes=("", "_grid"))
    assert len(merged) == 9
    assert len(found[list(AXES)].drop_duplicates()) == 9
    for name in ("duration_h_mid", "co2e_kg_high", "cost_usd_low"):
        np.testing.assert_allclose(merged[name], merged[f"{name}_grid"], rtol=1e-9)


@given(st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=1, max_size=40))
def test_the_front_is_that_of_a_brute_force(points: list[tuple[int, int, int]]) -> None:
    table = np.array(points, float)
    expected = [
        n for n, own in enumerate(table)
        if not any(np.all(other <= own) and np.any(other < own) for other in table)
    ]  # fmt: skip
    assert front_of(table) == expected


def test_front_and_least_of_parts_are_those_of_the_whole() -> None:
    front, least = Front(), Least("co2e_kg", 5)
    for part in PARTS:
        front.add(part)
        least.add(part)
    fit = WHOLE[WHOLE["feasible"]].dropna(subset=[f"{name}_mid" for name in AIMS])
    points = fit[[f"{name}_mid" for name in AIMS]].to_numpy()
    kept = fit.iloc[
        [n for n, own in enumerate(points) if not (((points <= own).all(1)) & ((points < own).any(1))).any()]
    ]
    key = lambda row: tuple(row[name] for name in AXES)  # noqa: E731
    assert {key(one.scenario) for one in front.found} == {key(row) for _, row in kept.iterrows()}
    smallest = WHOLE[WHOLE["feasible"]].nsmallest(5, "co2e_kg_mid")["co2e_kg_mid"]
    assert [one.numbers["co2e_kg_mid"] for one in least.found] == pytest.approx(smallest.tolist())


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_file_holds_every_scenario_to_the_last_digit(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"sweep{ending}"
    assert sum(len(part) for part in write_sweep(Stream(AXES, FIXED), path)) == len(WHOLE)
    read = numbers_in(path)
    pd.testing.assert_frame_equal(read, WHOLE, check_dtype=False, rtol=0, atol=0)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_the_rows_of_a_sample_are_one_row_group(tmp_path: Path) -> None:
    """Each scenario of a sample is a part; a group a row would make the file slow to read."""
    path = tmp_path / "sample.parquet"
    whole = frame_of(list(write_sweep(Stream(AXES, FIXED, sample=9, seed=4), path)))
    assert parquet.ParquetFile(path).num_row_groups == 1
    pd.testing.assert_frame_equal(numbers_in(path), whole, check_dtype=False, rtol=0, atol=0)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize("stopped_after", [0, 1, 3])
def test_a_sweep_that_was_stopped_goes_on(ending: str, stopped_after: int, tmp_path: Path) -> None:
    path = tmp_path / f"sweep{ending}"
    parts = write_sweep(Stream(AXES, FIXED), path)
    for _ in range(stopped_after):
        next(parts)
    parts.close()
    if stopped_after and ending == ".csv":
        with path.open("ab") as file:
            file.write(b"h100:8,torn")
    resume = bool(stopped_after)
    rest = list(write_sweep(Stream(AXES, FIXED), path, resume=resume))
    assert len(rest) == len(PARTS) - stopped_after
    read = numbers_in(path)
    pd.testing.assert_frame_equal(read, WHOLE, check_dtype=False, rtol=0, atol=0)


def test_a_file_of_another_sweep_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "sweep.csv"
    parts = write_sweep(Stream(AXES, FIXED), path)
    next(parts)
    parts.close()
    before = path.read_bytes()
    with pytest.raises(FootprintError, match="another sweep"):
        list(write_sweep(Stream(AXES, {**FIXED, "tokens": 2e10}), path, resume=True))
    with pytest.raises(FootprintError, match="exists"):
        list(write_sweep(Stream(AXES, FIXED), path))
    assert path.read_bytes() == before


def test_points_are_counted_before_anything_is_made() -> None:
    axes = {"batch_size": list(range(1, 10_001)), "seq_len": list(range(1, 10_002))}
    with pytest.raises(FootprintError, match=f"more than {MOST_SCENARIOS:,}"):
        Stream(axes, {"model": "gpt2", "hw": "a100:8", "tokens": 1e9})
