"""The best times are those that trying every schedule finds; a series with a slip is refused by its line."""

from __future__ import annotations

import csv
import json
import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import footprint
from footprint.decisions.when.schedule import Windows, with_pauses
from footprint.errors import FootprintError
from tests.cli.run import footprint as command_line
from tests.conftest import ROOT

RUN = {"hw": "h100:8", "it_power_w": 5000.0, "pue": 1.2, "usd_per_hour": 2.0}
"""At 6 kW of the facility nothing but the hours decides."""
BEGIN = datetime(2026, 3, 28, tzinfo=UTC)


def series(tmp_path: Path, values: list[float], step_h: float = 1.0) -> Path:
    path = tmp_path / "hours.csv"
    lines = [f"{(BEGIN + timedelta(hours=step_h * n)).isoformat()},{g}" for n, g in enumerate(values)]
    path.write_text("\n".join(["time,g_per_kwh", *lines]) + "\n")
    return path


def tried(g: list[float], step_h: float, hours: float, resume_h: float) -> float | None:
    """The least intensity of all sets of steps that do the work."""
    least = None
    for chosen in range(1, 1 << len(g)):
        steps = [n for n in range(len(g)) if chosen >> n & 1]
        left, total = hours, 0.0
        for number, step in enumerate(steps):
            if number and steps[number - 1] != step - 1:
                left += resume_h
            if left <= step_h + 1e-12:
                total += g[step] * left
                if step == steps[-1] and (least is None or total < least):
                    least = total
                break
            total += g[step] * step_h
            left -= step_h
    return least


@pytest.mark.parametrize("seed", range(60))
def test_pausing_against_every_schedule(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    many, step_h = chance.randint(2, 11), chance.choice([1.0, 0.5])
    g = [chance.choice([0.0, 10.0, 50.0, 100.0, 100 * chance.random()]) for _ in range(many)]
    hours = chance.choice([many * step_h * (0.01 + 0.98 * chance.random()), step_h * chance.randint(1, many)])
    resume_h = chance.choice([0.0, 0.25, 0.5, 1.0, 1.5, 2.0])
    expected, found = tried(g, step_h, hours, resume_h), with_pauses(g, step_h, hours, resume_h)
    assert found.g_h == pytest.approx(expected, rel=1e-9, abs=1e-9)
    spent = sum(
        g[piece.begin + n] * min(step_h, piece.hours - n * step_h)
        for piece in found.pieces
        for n in range(math.ceil(piece.hours / step_h - 1e-9))
    )
    assert spent == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert found.hours == pytest.approx(hours + resume_h * (len(found.pieces) - 1))


@pytest.mark.parametrize("seed", range(20))
def test_windows_against_adding_up(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    lengths = [chance.choice([1.0, 24.0, 0.5]) for _ in range(30)]
    g = [500 * chance.random() for _ in lengths]
    hours = sum(lengths) * chance.random()
    expected = []
    for begin in range(len(g)):
        left, total = hours, 0.0
        for length, value in zip(lengths[begin:], g[begin:], strict=True):
            total += min(left, length) * value
            left -= min(left, length)
        if left < 1e-9:
            expected.append(total)
    assert Windows(lengths, g).all_of(hours) == pytest.approx(expected, rel=1e-9)


def test_a_run_in_its_cleanest_hours(tmp_path: Path) -> None:
    file = series(tmp_path, [300, 300, 100, 50, 200, 60, 70, 400])
    found = footprint.best_times(when=file, hours=2.0, resume_hours=0.5, **RUN)
    first, best, worst, paused = found.rows
    kwh = 5 * 1.2
    assert (first.co2e_kg.mid, first.cost_usd.mid) == pytest.approx((kwh * 600 / 1000, 2 * 8 * 2))  # type: ignore[union-attr]
    assert best.begin == "2026-03-28T05:00:00+00:00"
    assert best.co2e_kg.mid == pytest.approx(kwh * 130 / 1000)
    assert worst.co2e_kg.mid == pytest.approx(kwh * 600 / 1000)
    assert best.saved_kg == pytest.approx((kwh * 470 / 1000,) * 3)
    assert best.verdict == "lower"
    # An hour at 50, and 1.5 h at 60 and 70 with half an hour of resuming: 50 + 60 + 35 is more than 130.
    assert paused.pauses == 0
    free = footprint.best_times(when=file, hours=2.0, resume_hours=0.0, **RUN).rows[-1]
    assert free.co2e_kg.mid == pytest.approx(kwh * (50 + 60) / 1000)
    assert (free.pauses, free.duration_h.mid) == (1, 2.0)
    late = footprint.best_times(when=file, hours=2.0, deadline="5h", **RUN)
    assert late.rows[1].co2e_kg.mid == pytest.approx(kwh * 150 / 1000)
    at = footprint.best_times(when=file, hours=2.0, deadline="2026-03-28T05:00Z", **RUN)
    assert at.rows == late.rows


def test_resuming_takes_time_energy_and_money(tmp_path: Path) -> None:
    file = series(tmp_path, [10, 900, 900, 10, 10, 900])
    row = footprint.best_times(when=file, hours=2.5, resume_hours=0.5, **RUN).rows[-1]
    assert (row.pauses, row.duration_h.mid) == (1, 3.0)
    assert row.energy_kwh.mid == pytest.approx(6 * 3.0)
    assert row.cost_usd is not None
    assert row.cost_usd.mid == pytest.approx(3.0 * 8 * 2)
    assert [begin[11:16] for begin, _ in row.pieces] == ["00:00", "03:00"]


def test_a_pause_is_taken_as_long_as_it_saves_more_than_resuming_costs(tmp_path: Path) -> None:
    """By hand at 6 kW: from 03:00 on, or an hour at 00:00, a pause, and the rest with r hours of resuming."""
    file = series(tmp_path, [20, 60, 60, 20, 20, 20, 60, 60])
    grams = {}
    for resume_h in (0.0, 0.25, 0.5, 0.75, 1.75):
        row = footprint.best_times(when=file, hours=3.5, resume_hours=resume_h, **RUN).rows[-1]
        # From 03:00 on: 3 h at 20 and half an hour at 60 are 90; from 00:00 with a pause: 20 x (3.5 + r).
        paused = 20 * (3.5 + resume_h) if 3.5 + resume_h <= 4 else 20 * 4 + 60 * (resume_h - 0.5)
        grams[resume_h] = min(90.0, paused)
        assert row.co2e_kg.mid == pytest.approx(6 * grams[resume_h] / 1000)
        assert row.pauses == (1 if paused < 90 else 0)
        assert row.duration_h.mid == pytest.approx(3.5 + resume_h * row.pauses)
    assert list(grams.values()) == [70.0, 75.0, 80.0, 90.0, 90.0]


def test_the_interval_holds_runs_of_other_lengths(tmp_path: Path) -> None:
    """A rising series: a longer run has dirtier hours."""
    file = series(tmp_path, [10.0 + n for n in range(200)])
    fields = {"model": "bert-base", "hw": "v100:8", "region": "FRA"}
    hours = footprint.estimate(**fields).duration_h
    best = footprint.best_times(when=file, **fields).rows[1]

    def mean(length: float) -> float:
        whole = int(length)
        return (sum(10.0 + n for n in range(whole)) + (length - whole) * (10.0 + whole)) / length

    g = best.g_per_kwh
    assert (g.low, g.mid, g.high) == pytest.approx((mean(hours.low), mean(hours.mid), mean(hours.high)))


def test_months_are_those_of_the_table() -> None:
    with (ROOT / "reference_data" / "grid_monthly.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["key"] == "FRA"][-12:]
    found = footprint.best_times(when="monthly", region="FRA", hours=5.0, **RUN)
    assert found.rows[0].name == "mean of all"
    assert {row.name: row.g_per_kwh.mid for row in found.rows[1:]} == pytest.approx(
        {f"in {row['month']}": float(row["g_per_kwh"]) for row in rows}
    )
    cleanest = min(rows, key=lambda row: float(row["g_per_kwh"]))
    assert found.rows[1].name == f"in {cleanest['month']}"


GOOD = "2026-03-28T{:02d}:00Z,100"
BAD = {
    "gap": ([GOOD.format(0), GOOD.format(1), GOOD.format(3)], "line 4: 2 h after the line above"),
    "order": ([GOOD.format(2), GOOD.format(1)], "line 3: 2026-03-28T01:00:00+00:00 is before"),
    "twice": ([GOOD.format(1), GOOD.format(1)], "line 3: 2026-03-28T01:00:00+00:00 is there twice"),
    "negative": ([GOOD.format(0), "2026-03-28T01:00Z,-3"], "line 3: -3 is not from 0 to 5000"),
    "nan": ([GOOD.format(0), "2026-03-28T01:00Z,NaN"], "line 3: NaN is not from 0"),
    "infinite": ([GOOD.format(0), "2026-03-28T01:00Z,1e999"], "line 3: 1e999 is not from 0"),
    "unit": ([GOOD.format(0), "2026-03-28T01:00Z,410000"], "line 3: 410000 is not from 0"),
    "formula": ([GOOD.format(0), '2026-03-28T01:00Z,"=HYPERLINK(""http://x"")"'], "line 3: "),
    "empty": ([GOOD.format(0), "2026-03-28T01:00Z,"], "line 3: '' is no number"),
    "no time": ([GOOD.format(0), "tomorrow,3"], "line 3: 'tomorrow' is no time"),
    "one cell": ([GOOD.format(0), "2026-03-28T01:00Z"], "line 3 has 1 cell"),
    "one line": ([GOOD.format(0)], "at least two lines"),
    "zones": ([GOOD.format(0), "2026-03-28T01:00,3"], "line 3: a time zone is given in some lines"),
    "spring": (["2026-03-29T00:00,1", "2026-03-29T01:00,1", "2026-03-29T03:00,1"], "clocks change"),
    "autumn": (["2026-10-25T01:00,1", "2026-10-25T02:00,1", "2026-10-25T02:00,1"], "clocks change"),
    "years": (["2026-03-29T00:00Z,1", "2028-03-29T00:00Z,1"], "values hold a minute to a day"),
    "escape": ([GOOD.format(0), "\x1b[31m,3"], "line 3: "),
}


@pytest.mark.parametrize("name", BAD)
def test_a_slip_is_named_by_its_line(name: str, tmp_path: Path) -> None:
    lines, said = BAD[name]
    file = tmp_path / "h.csv"
    file.write_text("\n".join(["time,g_per_kwh", *lines]))
    done = command_line("rank", "--hw", "h100:8", "--hours", "1", "--when", str(file))
    assert done.code == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1
    assert "\x1b" not in done.err
    assert done.out == ""


def test_clocks_may_change_where_the_zone_is_written(tmp_path: Path) -> None:
    file = tmp_path / "h.csv"
    file.write_text("time,g_per_kwh\n2026-10-25T01:00+02:00,1\n2026-10-25T02:00+02:00,2\n"
                    "2026-10-25T02:00+01:00,3\n")  # fmt: skip
    assert footprint.best_times(when=file, hours=1.0, **RUN).rows[1].g_per_kwh.mid == 1.0


@pytest.mark.parametrize("text", ["", "time;g_per_kwh\n", "hour,g\n1,2\n", "\x00\x01"])
def test_files_that_are_no_series(text: str, tmp_path: Path) -> None:
    file = tmp_path / "h.csv"
    file.write_text(text)
    with pytest.raises(FootprintError, match="line 1 must be time,g_per_kwh"):
        footprint.best_times(when=file, hours=1.0, **RUN)


def test_a_series_that_is_too_long(tmp_path: Path) -> None:
    file = series(tmp_path, [100.0] * 9000)
    with pytest.raises(FootprintError, match="`deadline=` nearer"):
        footprint.best_times(when=file, hours=2000.0, resume_hours=0.3, **RUN)
    huge = tmp_path / "huge.csv"
    huge.write_bytes(b"time,g_per_kwh\n" + b"x" * 9_000_000)
    with pytest.raises(FootprintError, match="larger than"):
        footprint.best_times(when=huge, hours=1.0, **RUN)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--when", "FILE", "--grid-g-per-kwh", "5"], "No such option"),
        (["--when", "FILE", "--deadline", "1h"], "the series until the deadline has 1 h"),
        (["--when", "FILE", "--deadline", "0.5h"], "before the end of the first value"),
        (["--when", "FILE", "--deadline", "soon"], "--deadline"),
        (["--when", "FILE", "--deadline", "1e300h"], "too far"),
        (["--when", "FILE", "--resume-hours", "nan"], "must be from 0"),
        (["--when", "FILE", "--resume-hours", "-1"], "must be from 0"),
        (["--when", "FILE", "--keep-in", "EU"], "ranks places"),
        (["--when", "monthly"], "--region is missing"),
        (["--when", "monthly", "--region", "POL"], "only of AUS, DEU, FRA"),
        (["--when", "monthly", "--region", "FRA", "--resume-hours", "1"], "not months"),
        (["--when", "nothing.csv"], "nothing.csv"),
        (["--deadline", "3h"], "belong to --when"),
    ],
)
def test_what_does_not_go_together(options: list[str], said: str, tmp_path: Path) -> None:
    file = str(series(tmp_path, [100.0] * 24))
    words = [file if word == "FILE" else word for word in options]
    done = command_line("rank", "--hw", "h100:8", "--hours", "2", *words)
    assert done.code == 2
    assert said in done.err


def test_it_shows_itself(tmp_path: Path) -> None:
    file = series(tmp_path, [100.0 + 50 * math.sin(n) for n in range(72)])
    words = ("rank", "--hw", "h100:8", "--hours", "7", "--when", str(file), "--resume-hours", "0.1")
    data = json.loads(command_line(*words, "--format", "json").out)
    assert data["schema"] == "footprint/timing/1"
    assert [row["name"] for row in data["rows"]][-1] == "with pauses"
    text = command_line(*words).out
    assert max(map(len, text.splitlines()[1:])) <= 80
    found = footprint.best_times(when=file, hours=7.0, resume_hours=0.1, hw="h100:8")
    assert len(found.to_frame()) == 4
    assert "<pre" in found._repr_html_()


def test_the_times_are_drawn(tmp_path: Path) -> None:
    file = series(tmp_path, [100.0, 50.0] * 12)
    picture = tmp_path / "times.svg"
    job = ["rank", "--hw", "h100:8", "--hours", "2", "--when", str(file), "--resume-hours", "0.1"]
    done = command_line(*job, "--plot", str(picture), "--fail-over", "1 gCO2e")
    assert done.code == 3
    assert "at once: operational CO2e" in done.err
    drawn = picture.read_text()
    # One bar a piece: each schedule without pauses is one, and every pause makes one more.
    rows = json.loads(command_line(*job, "--format", "json").out)["rows"]
    assert drawn.count("stroke-width: 1.5; stroke-linejoin: miter") == sum(1 + row["pauses"] for row in rows)


@pytest.mark.parametrize("word", ["daily", "montly"])
def test_a_word_that_is_no_file_is_told_what_is_taken(word: str) -> None:
    done = command_line("rank", "--model", "bert-base", "--hw", "h100:8", "--when", word, "--region", "FRA")
    assert done.code == 2
    assert "monthly" in done.err
