"""What recipes recompute without need, what PyTorch's Adam copies, and what no kernel fuses."""

from __future__ import annotations

import statistics

import pytest

from footprint.catalog.assumptions import assumed
from footprint.catalog.hardware import parse_cluster
from footprint.catalog.models import find_model
from footprint.estimator import estimate
from footprint.flops import count_step
from footprint.performance.layouts.finder import find_layout
from footprint.performance.layouts.habits import NO_HABITS
from footprint.performance.predict import work_of
from footprint.performance.roofline.constants import Constants, load_constants
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.schema import StepShape, TrainingMethod
from footprint.validation.cases import of_its_software
from footprint.validation.published.memory import published_rows
from footprint.validation.published.throughput import countable_cases

LORA = {
    "model": "llama3.1-8b",
    "hw": "h100:8",
    "method": "lora",
    "region": "SE",
    "samples": 10_000,
    "year": 2025,
}


def layout(native: bool | None, constants: Constants, method: str = "lora") -> Layout:
    step = count_step(
        find_model("llama3.1-8b").config,
        StepShape(sequences=64, sequence_length=2048),
        TrainingMethod(method=method, lora_targets=("all-linear",) if method == "lora" else ()),  # type: ignore[arg-type]
    )
    assert step.operations is not None
    work = work_of(step.operations, step.training)
    cluster, _ = parse_cluster("h100-sxm5-80gb:8")
    found, fits = find_layout(
        work, Machine(cluster, "bf16", 2025, constants, native), flash=True, sequence_length=2048.0
    )
    assert fits
    return found


def test_recipes_with_adapters_recompute_as_published_ones_do() -> None:
    habit, without = load_constants()["recompute_habit_adapters"], load_constants().but(**NO_HABITS)
    for native, share in ((False, 0.0), (None, 0.5 * habit), (True, habit)):
        needed = layout(native, without).recompute_share
        assert needed < 0.2
        found = layout(native, load_constants()).recompute_share
        assert found == pytest.approx(1.0 - (1.0 - share) * (1.0 - needed))
    whole = layout(True, load_constants(), "pretrain")
    assert whole == layout(True, without, "pretrain")


@pytest.mark.parametrize(
    ("name", "shortest", "longest"),
    [("recompute_habit_adapters", 1025, 10**9), ("recompute_habit_adapters_short", 1, 1024)],
)
def test_the_habit_is_that_of_the_published_recipes(name: str, shortest: int, longest: int) -> None:
    shares: dict[str, list[float]] = {}
    for case, work, _ in countable_cases():
        if case.sealed or not (case.native and case.training.method in ("lora", "qlora")):
            continue
        length = case.shape.sequence_length or 0
        if "recompute" not in case.given or not shortest <= length <= longest:
            continue
        # Where the software's file or memory asks for all blocks, nothing is left to habit.
        constants = of_its_software(case, load_constants().but(**NO_HABITS))
        machine = Machine(case.cluster, case.precision, case.year, constants, case.native)
        found, _ = find_layout(
            work, machine, flash=case.training.fuses_attention, sequence_length=float(length)
        )
        needed = found.recompute_share
        if needed < 1.0:
            published = float(case.given.get("recomputed", 1.0)) * (case.given["recompute"] == "full")
            shares.setdefault(case.family, []).append(max(0.0, published - needed) / (1.0 - needed))
    families = [statistics.fmean(rows) for rows in shares.values()]
    assert len(families) >= 3
    expected = (sum(families) + 0.5) / (len(families) + 1)
    assert assumed(f"time_fitted.{name}").value == pytest.approx(expected, abs=0.02)


def test_a_user_can_say_that_nothing_is_recomputed() -> None:
    unsaid, none = (
        estimate(**LORA, stack="native", **({"recompute": said} if said else {}))  # type: ignore[arg-type]
        for said in (None, "none")
    )
    assert 1.1 < unsaid.duration_h.mid / none.duration_h.mid < 1.4
    names = [row.name for row in unsaid.assumptions]
    assert any("recomputed without need" in name for name in names)
    assert not any("recomputed without need" in row.name for row in none.assumptions)


def test_adams_copy_is_in_the_published_peaks_of_whole_models() -> None:
    # ms-swift, Qwen-7B, all parameters in 16 bits: 73.4, 73.6 and 74.3 GiB at 512, 1,024 and 2,048 tokens.
    rows = [
        row for row in published_rows()
        if row.cells["source"] == "ms-swift-benchmark" and row.cells["method"] == "finetune"
        and row.cells["model"] == "qwen-7b-chat"
    ]  # fmt: skip
    assert len(rows) == 3
    for row in rows:
        predicted = (row.said_byte + row.beyond_byte) / 2**30
        assert predicted == pytest.approx(float(row.cells["peak_gib"]), rel=0.04)


def test_the_results_of_biased_experts_are_counted() -> None:
    config = find_model("gpt-oss-120b").config
    step = count_step(config, StepShape(sequences=2, sequence_length=1024), TrainingMethod())
    assert step.operations is not None
    work = work_of(step.operations, step.training)
    # Gate and up, then down, of four experts a token in 36 layers.
    assert work.biased == 2 * 1024 * 36 * 4 * (2 * 2880 + 2880)
    other = count_step(
        find_model("qwen3-30b-a3b").config, StepShape(sequences=2, sequence_length=1024), TrainingMethod()
    )
    assert other.operations is not None
    assert work_of(other.operations, other.training).biased == 0.0
