"""``answer.plot()``: the figure of every answer of the decisions, and the file where a path is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import footprint
from footprint.decisions.when import best_times
from footprint.errors import FootprintError
from tests.decisions.test_when import series

RUN = {"model": "bert-base", "hw": "h100:8"}
SERVED = {"model": "llama3.1-8b", "hw": "h100:1", "prompt_tokens": 512, "output_tokens": 128}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    hours = series(tmp_path_factory.mktemp("series"), [300.0] * 24 + [100.0] * 24)
    return {
        "compare": footprint.compare(model="bert-base", hw=["v100:8", "h100:8"], region="FRA"),
        "plan": footprint.plan("1e22FLOP"),
        "inference": footprint.inference(**SERVED, region="FRA"),
        "project": footprint.project({"runs": [{"name": "training", **RUN, "region": "FRA"}]}),
        "rank": footprint.rank(**RUN, keep_in="EU"),
        "when": best_times(**RUN, when=str(hours), region="FRA"),
    }


@pytest.mark.parametrize("name", ["compare", "plan", "inference", "project", "rank", "when"])
def test_every_answer_is_drawn(name: str, answers: dict[str, Any], tmp_path: Path) -> None:
    answer = answers[name]
    figure = answer.plot()
    assert all(axes.get_xlabel() for axes in figure.axes)
    assert list(tmp_path.iterdir()) == []
    target = tmp_path / "plot.png"
    answer.plot(str(target))
    assert target.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(FootprintError, match="exists"):
        answer.plot(target)
    answer.plot(target, overwrite=True)


def test_a_comparison_is_drawn_at_its_numbers(answers: dict[str, Any]) -> None:
    figure = answers["compare"].plot()
    assert figure.get_suptitle().startswith("In all rows: model bert-base")
    drawn = figure.axes[0].lines[1].get_xdata()[0], figure.axes[0].lines[3].get_xdata()[0]
    rows = answers["compare"].to_json()["rows"]
    assert drawn == pytest.approx([row["duration_h"]["mid"] for row in rows])


def test_losses_stand_in_the_gap_of_their_line(answers: dict[str, Any]) -> None:
    """A line of equal loss is cut where its loss is written, also on logarithmic axes."""
    axes = answers["plan"].plot().axes[1]
    contour = next(one for one in axes.collections if hasattr(one, "labelTexts"))
    to_axes = (axes.transData + axes.transAxes.inverted()).transform
    points = [to_axes(point) for path in contour.get_paths() for point in path.vertices]
    assert contour.labelTexts
    for text in contour.labelTexts:
        at = to_axes(text.get_position())
        assert 0.0 < at[0] < 0.98
        assert min(max(abs(at[0] - x), abs(at[1] - y)) for x, y in points) > 0.02
