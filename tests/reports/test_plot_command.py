"""``footprint plot``: what is drawn of what is given, with the numbers of the record on the axes."""

from __future__ import annotations

import csv
import json
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from footprint.reports.plots.canvas import WIDTHS_IN, ticks
from footprint.reports.plots.intervals import Line, plot_lines
from footprint.results.fleet import Ends
from footprint.results.report_columns import SHORT_COLUMNS, SHORT_SCHEMA
from footprint.tracking import track
from tests.cli.run import footprint
from tests.conftest import ROOT

ESTIMATE = ("estimate", "--model", "bert-base", "--hw", "v100:8", "--region", "FRA", "--quiet")
PLAN = ("plan", "--budget", "1e22FLOP")
COMPARISON = ("compare", "--model", "bert-base", "--hw", "v100:8,h100:8", "--region", "FRA", "--quiet")
INFERENCE = ("inference", "--model", "gpt2", "--hw", "h100:1", "--prompt-tokens", "8", "--output-tokens", "8")
PROJECT = ("project", str(ROOT / "tests" / "projects" / "small.toml"))


def written(path: Path, *words: str) -> dict[str, Any]:
    assert footprint(*words, "-o", str(path)).code == 0
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def intervals(axes: Any) -> list[tuple[float, float]]:
    """Both ends of each horizontal line."""
    found = []
    for line in axes.lines:
        xs = [float(x) for x in line.get_xdata()]
        if len(xs) == 2 and len(set(line.get_ydata())) == 1:
            found.append((xs[0], xs[1]))
    return found


def test_two_estimates_have_the_intervals_of_their_json(drawn: Callable[[], Any], tmp_path: Path) -> None:
    one = written(tmp_path / "one.json", *ESTIMATE)
    two = written(tmp_path / "two.json", *ESTIMATE[:4], "h100:8", *ESTIMATE[5:])
    done = footprint("plot", str(tmp_path / "one.json"), str(tmp_path / "two.json"),
                     "-o", str(tmp_path / "p.png"))  # fmt: skip
    assert (done.code, done.out) == (0, "")
    assert "amounts" in done.err
    panels = {axes.get_xlabel(): axes for axes in drawn().axes}
    assert set(panels) == {"time [h]", "facility energy [kWh]", "CO2e [kg]", "cost [USD]"}
    for name, label in (("duration_h", "time [h]"), ("energy_kwh", "facility energy [kWh]"),
                        ("co2e_kg", "CO2e [kg]"), ("cost_usd", "cost [USD]")):  # fmt: skip
        ends = [(record[name]["low"], record[name]["high"]) for record in (one, two)]
        assert intervals(panels[label]) == [pytest.approx(pair) for pair in ends]


def test_several_runs_are_all_of_them_and_say_so(drawn: Callable[[], Any], tmp_path: Path) -> None:
    record = written(tmp_path / "e.json", *ESTIMATE, "--runs", "3")
    assert footprint("plot", str(tmp_path / "e.json"), "-o", str(tmp_path / "p.png")).code == 0
    label = drawn().axes[0].get_yticklabels()[0].get_text()
    assert " ".join(label.split()).endswith(", 3 runs")
    for axes, name in zip(drawn().axes, ("duration_h", "energy_kwh", "co2e_kg", "cost_usd"), strict=True):
        per = {"[d]": 24.0, "[MWh]": 1000.0}.get(axes.get_xlabel().split()[-1], 1.0)
        assert intervals(axes) == [
            pytest.approx((3 * record[name]["low"] / per, 3 * record[name]["high"] / per))
        ]


def test_the_causes_are_those_of_the_json(drawn: Callable[[], Any], tmp_path: Path) -> None:
    record = written(tmp_path / "e.json", *ESTIMATE, "--spread")
    done = footprint("plot", str(tmp_path / "e.json"), "-o", str(tmp_path / "p.pdf"))
    assert "(causes)" in done.err
    spread = record["energy_kwh"]["spread"]
    bars = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in drawn().axes[0].patches]
    assert bars[-1] == pytest.approx((record["energy_kwh"]["low"], record["energy_kwh"]["high"]))
    assert sorted(bars[:-1]) == [
        pytest.approx(pair) for pair in sorted((min(c.values()), max(c.values())) for c in spread.values())
    ]
    plain = written(tmp_path / "plain.json", *ESTIMATE)
    assert "spread" not in plain["energy_kwh"]
    done = footprint("plot", str(tmp_path / "plain.json"), "--kind", "causes", "-o", str(tmp_path / "q.png"))
    assert done.code == 2
    assert "--spread" in done.err
    assert not (tmp_path / "q.png").exists()


@pytest.mark.slow
def test_a_comparison_and_a_project_are_those_of_their_own_plot(
    drawn: Callable[[], Any], tmp_path: Path
) -> None:
    for words in (COMPARISON, PROJECT):
        path = tmp_path / f"{words[0]}.json"
        assert footprint(*words, "-o", str(path), "--plot", str(tmp_path / f"{words[0]}.png")).code == 0
        own = [(axes.get_xlabel(), intervals(axes)) for axes in drawn().axes]
        labels = [text.get_text() for text in drawn().axes[0].get_yticklabels()]
        assert footprint("plot", str(path), "--width", "page", "-o", str(tmp_path / "p.svg")).code == 0
        again = [(axes.get_xlabel(), intervals(axes)) for axes in drawn().axes]
        assert [text.get_text() for text in drawn().axes[0].get_yticklabels()] == labels
        for (name, before), (other, after) in zip(own, again, strict=True):
            assert name == other
            assert after == [pytest.approx(pair) for pair in before]
        (tmp_path / "p.svg").unlink()


@pytest.mark.slow
def test_a_plan_and_batches(drawn: Callable[[], Any], tmp_path: Path) -> None:
    plan = written(tmp_path / "plan.json", *PLAN)
    assert footprint("plot", str(tmp_path / "plan.json"), "-o", str(tmp_path / "p.png")).code == 0
    (star,) = (line for line in drawn().axes[1].lines if line.get_marker() == "*")
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (plan["parameters"], plan["tokens"])
    served = written(tmp_path / "i.json", *INFERENCE)
    assert footprint("plot", str(tmp_path / "i.json"), "-o", str(tmp_path / "b.png")).code == 0
    speeds = drawn().axes[0].lines[0]
    assert list(speeds.get_xdata()) == [row["batch_size"] for row in served["batches"]]
    assert list(speeds.get_ydata()) == [row["tokens_per_s"]["mid"] for row in served["batches"]]


def short_row(run: str, kind: str, name: str, mid: float) -> dict[str, Any]:
    ends = {"low": 0.5 * mid, "mid": mid, "high": 2 * mid}
    row = {"kind": kind, "run_id": run, "started_at": "2026-03-01T10:00:00.000+00:00", "name": name,
           "status": "completed", "schema": SHORT_SCHEMA}  # fmt: skip
    return row | {f"energy_kwh_{end}": value for end, value in ends.items()}


def test_groups_of_a_report_are_sums_of_its_rows(drawn: Callable[[], Any], tmp_path: Path) -> None:
    rows = [
        short_row("a", "measurement", "speech $x$", 1.0),
        short_row("b", "measurement", "speech $x$", 3.0),
        short_row("c", "measurement", "vision", 10.0),
    ]
    path = tmp_path / "runs.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, SHORT_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    done = footprint("plot", str(path), "-o", str(tmp_path / "p.png"))
    assert "(groups)" in done.err
    (axes,) = (axes for axes in drawn().axes if axes.get_visible())
    assert [text.get_text() for text in axes.get_yticklabels()] == ["vision", "speech $x$"]
    assert intervals(axes) == [pytest.approx((5.0, 20.0)), pytest.approx((2.0, 8.0))]
    assert axes.get_xlabel() == "facility energy [kWh]"


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    import time

    with track(
        name="short", meter="constant:360W", flush_s=0.05, quiet=True, journal_dir=tmp_path / "runs",
        model="gpt2", hw="v100:1", region="FRA", total_steps=8, batch_size=8, seq_len=128,
    ) as run:  # fmt: skip
        for _ in range(8):
            time.sleep(0.05)
            run.step(tokens=1024)
    return tmp_path / "runs"


def test_a_run_over_time_and_beside_its_prediction(
    drawn: Callable[[], Any], run_folder: Path, tmp_path: Path
) -> None:
    shown = json.loads(footprint("runs", "show", "last", "--dir", str(run_folder), "--format", "json").out)
    done = footprint("plot", "last", "--dir", str(run_folder), "-o", str(tmp_path / "w.png"))
    assert done.code == 0, done.err
    assert "(power); --kind can also be" in done.err
    (axes,) = drawn().axes
    assert axes.get_ylabel() == "power [W]"
    watts = list(axes.lines[0].get_ydata())
    assert sorted(watts)[len(watts) // 2] == pytest.approx(360, rel=0.05)
    done = footprint(
        "plot", "last", "--dir", str(run_folder), "--kind", "predicted", "-o", str(tmp_path / "x.png")
    )
    assert done.code == 0, done.err
    panels = {axes.get_xlabel().partition(" [")[0]: axes for axes in drawn().axes}
    measured = shown.get("measurement", shown)
    energy = panels["facility energy"]
    mids = [float(line.get_xdata()[0]) for line in energy.lines if len(line.get_xdata()) == 1]
    unit = {"kWh": 1.0, "Wh": 1e-3, "mWh": 1e-6}[energy.get_xlabel().partition("[")[2][:-1]]
    assert mids[1] * unit == pytest.approx(measured["energy_kwh"]["mid"])
    folder = footprint("plot", str(run_folder), "--kind", "predicted", "-o", str(tmp_path / "s.png"))
    assert folder.code == 0, folder.err
    (axes,) = drawn().axes
    points = [line for line in axes.lines if line.get_marker() in ("o", "D")]
    assert points[0].get_ydata()[0] == pytest.approx(mids[1])


@pytest.mark.slow
def test_the_files_are_as_wide_as_they_say(tmp_path: Path) -> None:
    written(tmp_path / "e.json", *ESTIMATE)
    for width, inches in WIDTHS_IN.items():
        for ending in ("png", "svg", "pdf"):
            path = tmp_path / f"{width}.{ending}"
            done = footprint("plot", str(tmp_path / "e.json"), "--width", width, "-o", str(path), "--quiet")
            assert (done.code, done.err) == (0, "")
            data = path.read_bytes()
            if ending == "png":
                assert struct.unpack(">I", data[16:20])[0] == pytest.approx(inches * 300, abs=1)
            elif ending == "svg":
                assert f'width="{inches * 72:g}pt"'.encode() in data
            else:
                assert data.startswith(b"%PDF")
                assert b"/Type3" not in data, "publishers ask for TrueType"
            again = tmp_path / f"again.{ending}"
            footprint("plot", str(tmp_path / "e.json"), "--width", width, "-o", str(again), "--overwrite")
            assert again.read_bytes() == data


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("e.json", "-o", "p.gif"), ".png"),
        (("e.json", "-o", "there.png"), "exists"),
        (("e.json", "--kind", "curves", "-o", "p.png"), "amounts"),
        (("no.json", "-o", "p.png"), "no such file"),
        (("nobody", "-o", "p.png"), "nobody"),
        (("bad.json", "-o", "p.png"), "energy_kwh.low"),
        (("other.json", "-o", "p.png"), "other.json"),
        (("bad-plan.json", "-o", "p.png"), "parameters"),
    ],
)
def test_bad_input_is_one_message(
    words: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record = json.loads((ROOT / "docs/examples/bert-base.json").read_text())
    Path("e.json").write_text(json.dumps(record))
    Path("there.png").touch()
    Path("bad.json").write_text(json.dumps({**record, "energy_kwh": {"low": "x", "mid": 1.0}}))
    Path("other.json").write_text('{"schema": "somebody/1"}')
    Path("bad-plan.json").write_text('{"schema": "footprint/plan/1", "law": "besiroglu2024", "loss": 2}')
    done = footprint("plot", *words)
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err
    assert not Path("p.png").exists()


@pytest.mark.parametrize(
    ("low", "high", "most"),
    [
        (50, 200, 3),
        (1e-3, 1e9, 4),
        (99, 101, 4),
        (3.1, 3.2, 4),
        (0.9, 1.1, 3),
        (1, 2, 4),
        (5, 7, 2),
        (1, 1, 4),
    ],
)
def test_an_axis_has_labels_and_not_too_many(low: float, high: float, most: int) -> None:
    found = ticks(low, high, most)
    assert 1 <= len(found) <= max(most, 5)
    assert all(low * (1 - 1e-9) <= value <= high * (1 + 1e-9) for value in found)
    assert low == high or len(found) > 1


@pytest.mark.parametrize("width", sorted(WIDTHS_IN))
@pytest.mark.parametrize("decades", [0.5, 3, 12])
def test_no_text_of_an_axis_touches_another(
    drawn: Callable[[], Any], tmp_path: Path, width: str, decades: float
) -> None:
    """By the extents that matplotlib gives the texts, for long names over wide ranges."""
    rows = [
        Line(
            label=f"{n}. a-long-name-of-a-team, meta-llama/Llama-3.1-405B-FP8, a100-sxm4-80gb:{n}, aws:x-{n}",
            amounts={name: Ends(low=0.5 * mid, mid=mid, high=2 * mid) for name in ("energy_kwh", "co2e_kg")},
        )
        for n, mid in enumerate(10 ** (decades * n / 4 - decades / 2) for n in range(5))
    ]
    plot_lines(rows, "rows", tmp_path / "p.png", width=width)
    figure = drawn()
    figure.canvas.draw()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            labels = [text for text in axis.get_ticklabels() if text.get_text() and text.get_visible()]
            boxes = [text.get_window_extent() for text in labels]
            assert len(boxes) > 1 or (axis is axes.yaxis and axes is not figure.axes[0])
            assert not any(one.overlaps(other) for one, other in pairwise(boxes))
    names = [text.get_text().replace("\n", " ") for text in figure.axes[0].get_yticklabels()]
    assert len(set(names)) == 5
    assert all(name.endswith(f"x-{n}") for n, name in enumerate(names))


def test_a_zero_is_written_where_a_logarithm_has_none(drawn: Callable[[], Any], tmp_path: Path) -> None:
    some, none = (Ends(low=mid, mid=mid, high=mid) for mid in (2.0, 0.0))
    rows = [
        Line(label="a", amounts={"co2e_kg": some}),
        Line(label="b", amounts={"co2e_kg": none, "energy_kwh": some}),
    ]
    plot_lines(rows, "rows", tmp_path / "p.png")
    assert [[text.get_text().strip() for text in axes.texts] for axes in drawn().axes[:2]] == [[], ["0"]]
