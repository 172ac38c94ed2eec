"""Operation files: what is written is read again, and what a stranger wrote is refused in one line."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import footprint
from footprint.catalog.models import find_model
from footprint.errors import FootprintError
from footprint.flops import StepFlops, count_step, operation_list
from footprint.flops.listing.written import as_config, as_text
from footprint.performance.predict import work_of
from footprint.schema import StepShape, TrainingMethod
from tests.flops.small_configs import DECODERS, SEQ2SEQS

SHAPE = StepShape(sequences=2, sequence_length=24)


def listed(config: dict[str, Any], shape: StepShape = SHAPE) -> dict[str, Any]:
    """A formula's list in the form of a file."""
    sizes = {"sequence_length": shape.sequence_length, "target_sequence_length": shape.target_sequence_length}
    return as_config(operation_list(config, shape), **sizes)


@pytest.mark.parametrize("config", DECODERS[:12], ids=lambda config: config["model_type"])
@pytest.mark.parametrize("method", ["pretrain", "qlora"])
def test_a_formulas_list_counts_the_same_from_its_file(config: dict[str, Any], method: Any) -> None:
    training = TrainingMethod(method=method, recompute="full")
    read = json.loads(as_text(listed(config)))
    for sequences in (2, 7, 64):
        shape = StepShape(sequences=sequences, sequence_length=24)
        ours, files = (count_step(one, shape, training) for one in (config, read))
        assert files.training_flop == ours.training_flop
        assert files.training_flop_causal == ours.training_flop_causal
        assert files.hardware_flop == ours.hardware_flop
        assert files.parameters == ours.parameters
        assert files.basis == "traced"
        assert ours.operations is not None
        assert files.operations is not None
        assert work_of(files.operations, training) == work_of(ours.operations, training)


def test_lengths_that_were_not_traced_are_refused() -> None:
    pair = StepShape(sequences=2, sequence_length=24, target_sequence_length=16)
    config = listed(SEQ2SEQS[0], pair)
    assert count_step(config, pair).target_tokens == 32
    for wrong in (
        StepShape(sequences=2, sequence_length=25),
        StepShape(sequences=2, image_size=224),
        StepShape(sequences=2, target_sequence_length=9),
        StepShape(sequences=2, predicted_positions=3),
        StepShape(sequences=2, document_length=3),
    ):
        with pytest.raises(FootprintError, match=r"trace|operation list"):
            count_step(config, wrong)


LISTED = listed(DECODERS[0])
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(allow_nan=True), st.text(max_size=5),
    st.just([]), st.just({}), st.just("x" * 300), st.just(10**400), st.lists(st.integers(-3, 3), max_size=3),
)  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in nested JSON."""
    found = [path] if path else []
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        found += places(value, (*path, key))
    return found


PLACES = places(LISTED)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3), st.integers(1, 10**9))
def test_an_edited_file_is_refused_or_counted(edits: list[tuple[Any, Any]], sequences: int) -> None:
    step = counted(edited(edits), sequences)
    if step is not None:
        assert math.isfinite(float(step.training_flop))
        assert step.parameters.total >= 0
        assert step.operations is not None
        work_of(step.operations, step.training)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=2))
def test_an_estimate_of_an_edited_file_is_refused_or_finite(tmp_path_factory: Any, edits: Any) -> None:
    path = tmp_path_factory.mktemp("edited") / "model.ops.json"
    path.write_text(json.dumps(edited(edits)), encoding="utf-8")
    try:
        found = footprint.estimate(model=str(path), hw="a100:8", batch_size=64, tokens=1e9)
    except FootprintError:
        return
    assert math.isfinite(found.energy_kwh.high)


def edited(edits: list[tuple[Any, Any]]) -> dict[str, Any]:
    """The list with some of its values replaced."""
    config = copy.deepcopy(LISTED)
    for path, value in edits:
        node: Any = config
        try:
            for key in path[:-1]:
                node = node[key]
            node[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    return config


def counted(config: dict[str, Any], sequences: int) -> StepFlops | None:
    """The count, or None where the list is refused in one line that can be shown."""
    try:
        return count_step(config, StepShape(sequences=sequences))
    except FootprintError as error:
        said = str(error)
    assert said.isprintable()
    assert len(said) < 1000
    return None


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(as_text(LISTED)) - 4), st.binary(max_size=40))
def test_a_broken_file_is_one_message(tmp_path_factory: Any, cut: int, junk: bytes) -> None:
    path = tmp_path_factory.mktemp("broken") / "model.ops.json"
    path.write_bytes(as_text(LISTED).encode()[:cut] + junk)
    with pytest.raises(FootprintError):
        count_step(find_model(str(path)).config, StepShape(sequences=2))


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"model_type": "operations"' + ', "a": [' * 50_000, "{}", "\x00", ""]
)
def test_deep_and_empty_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.ops.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FootprintError):
        count_step(find_model(str(path)).config, StepShape(sequences=2))


def test_a_huge_list_is_refused(tmp_path: Path) -> None:
    config = copy.deepcopy(LISTED)
    config["stages"][1][0]["operations"] *= 30_000
    path = tmp_path / "model.ops.json"
    path.write_text(as_text(config), encoding="utf-8")
    with pytest.raises(FootprintError, match="larger than"):
        find_model(str(path))
    with pytest.raises(FootprintError, match="more than 200000 operations"):
        count_step(config, StepShape(sequences=2))
