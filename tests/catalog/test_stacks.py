"""Named software stacks: each is data, and the data change a prediction."""

from __future__ import annotations

import json
import math

import pytest

from footprint import estimate
from footprint.catalog.files import read_toml, reference_folder
from footprint.catalog.sources import all_sources
from footprint.catalog.stacks import find_stack, stack_ids
from footprint.errors import UnknownNameError
from footprint.parsing import parse_month
from footprint.performance.roofline.holding import HOLDS, LOSSES, STAGES
from tests.cli.run import footprint

FOLDER = reference_folder() / "stacks"
JOB = {"model": "llama3.1-8b", "hw": "h100-sxm5-80gb:64", "tokens": 1e9, "batch_size": 64, "seq_len": 8192}
KEYS = {
    "id", "name", "aliases", "kernels", "since_year", "fuses", "host_s", "overlap_share", "basis", "source",
    "note", "holds", "loss", "stages", "grouped_experts", "recompute_share", "rest_byte", "splits",
    "offloads_inputs", "pipelines", "splits_last", "shards_since_year", "accumulates", "recomputes_part",
    "fused_early", "first_in_tf32", "captures_since_year",
    "adapter_byte", "experts_looped_until_year", "grouped_narrow_since", "sends_once",
    "recompute_stops", "attention", "repeats_seconds", "reduce_byte", "one_hot_dispatch",
    "worst_case_buffers", "whole_on_gpus",
}  # fmt: skip


def _width(stack: str | None) -> float:
    """The slow end of a step's interval; the fast end may be cut at what the chip allows."""
    step = estimate(**JOB, stack=stack).step_time_s
    assert step is not None
    return math.log(step.high / step.mid)


@pytest.mark.parametrize("name", stack_ids())
def test_every_file_is_a_stack(name):
    raw = read_toml(FOLDER / f"{name}.toml")
    assert set(raw) <= KEYS
    assert raw["kernels"] in ("tuned", "native")
    assert raw["basis"] in ("fitted", "assumed")
    assert set(raw["source"].split("; ")) <= set(all_sources())
    assert 2015 <= raw["since_year"] <= 2027
    assert 0.0 < raw.get("host_s", 1e-6) < 1e-3
    assert 0.0 <= raw.get("overlap_share", 0.5) <= 1.0
    assert raw.get("holds", "mixed") in HOLDS
    assert raw.get("loss", "whole") in LOSSES
    assert raw.get("stages", "even") in STAGES
    assert raw.get("rest_byte", 4.0) in (2.0, 4.0)
    assert 0.0 <= raw.get("recompute_share", 0.0) <= 1.0
    assert 2022 <= raw.get("shards_since_year", 2022) <= 2027
    assert raw.get("adapter_byte", 4.0) == 4.0
    assert raw.get("reduce_byte", 4.0) == 4.0
    assert raw.get("repeats_seconds", True) is True
    assert 2020 <= raw.get("experts_looped_until_year", 2025) <= 2030
    assert raw["since_year"] <= parse_month(raw.get("grouped_narrow_since", "2027-01")) <= 2030
    assert raw.get("recompute_stops", True) in (True, False)
    assert raw.get("attention", "tuned") == "tuned"


def test_stacks_differ_in_data():
    files = [read_toml(FOLDER / f"{name}.toml") for name in stack_ids() if name not in ("tuned", "native")]
    facts = [
        tuple(
            value
            for key, value in sorted(f.items())
            if key not in ("id", "name", "aliases", "note", "source")
        )
        for f in files
    ]
    assert len({*map(repr, facts)}) > 0.8 * len(facts)


def test_aliases_lead_to_one_stack():
    assert find_stack("Megatron-LM") == find_stack("mcore") == find_stack("megatron")
    assert find_stack("transformers").id == "hf"


def test_an_unknown_name_is_an_error_with_near_ones():
    with pytest.raises(UnknownNameError, match="megatron"):
        find_stack("megatrn")
    # Also where only hours are known, and nothing is predicted.
    with pytest.raises(UnknownNameError, match="did you mean"):
        estimate(hw="h100:8", hours=3, stack="torchtitn")


def test_a_stack_of_its_kind_with_rows_is_the_kind():
    known, kind = (estimate(**JOB, stack=name).step_time_s for name in ("megatron", "tuned"))
    assert known is not None
    assert kind is not None
    assert known.mid == kind.mid


def test_a_stack_without_rows_is_wider_than_a_fitted_one():
    assert _width("unsloth") > 1.03 * _width("torchtitan")
    assert _width("primus") > 1.03 * _width("megatron")


def test_a_stack_that_is_said_is_nearly_as_wide_as_an_unsaid_one():
    # Few families were fitted, so that a source of the same kind may be as far off as any.
    assert 0.85 < _width("tuned") / _width(None) < 1.0


def test_the_time_of_the_host_slows_small_models_only():
    small = {"model": "gpt2", "hw": "h100-sxm5-80gb:1", "batch_size": 4, "tokens": 1e8, "seq_len": 1024}
    steps = {name: estimate(**small, stack=name).step_time_s for name in ("native", "hf")}
    small_ratio = steps["hf"].mid / steps["native"].mid
    big = {
        "model": "llama2-70b",
        "hw": "h100-sxm5-80gb:64",
        "batch_size": 256,
        "tokens": 1e9,
        "tp": 8,
        "pp": 1,
    }
    other = {name: estimate(**big, stack=name, overlap=0.5).step_time_s for name in ("native", "hf")}
    assert small_ratio > 1.3 > 1.2 > other["hf"].mid / other["native"].mid > 1.0


def test_what_is_hidden_takes_no_time():
    times = [estimate(**JOB, stack="tuned", overlap=share).step_time_s.mid for share in (0.0, 0.5, 1.0)]
    assert times[0] > times[1] > times[2]
    from_file = estimate(**JOB, stack="hf")
    given = estimate(**JOB, stack="hf", overlap=find_stack("hf").overlap_share)
    assert from_file.step_time_s.mid == pytest.approx(given.step_time_s.mid, rel=1e-12)


@pytest.mark.parametrize(("stack", "splits"), [("hf", False), ("deepspeed", False), ("megatron", True)])
def test_what_cannot_split_a_model_shards_it(stack, splits):
    # 70 billion parameters on 256 chips: Megatron's own recipes split tensors and layers.
    layout = estimate(model="llama3-70b", hw="h100:256", tokens=1e9, stack=stack).parallelism
    assert (layout.tp * layout.pp > 1) == splits
    given = estimate(model="llama3-70b", hw="h100:256", tokens=1e9, stack=stack, tp=8).parallelism
    assert given.tp == 8


def test_the_answer_says_what_it_took_from_the_stack():
    rows = {row.name: row for row in estimate(**JOB, stack="hf").assumptions}
    assert rows["software stack hf: time of the host to launch an operation"].value == find_stack("hf").host_s
    assert rows["software stack hf"].basis == "fitted"
    assert not any(name.startswith("software stack") for name in _names("tuned"))


def _names(stack: str) -> list[str]:
    return [row.name for row in estimate(**JOB, stack=stack).assumptions]


def test_the_command_lists_and_shows():
    listed = json.loads(footprint("stacks", "list", "--format", "json").out)
    assert {row["id"] for row in listed["rows"]} == set(stack_ids())
    assert "one kernel for each operation" in footprint("stacks", "show", "hf").out
    wrong = footprint("stacks", "show", "megatrn")
    assert wrong.code == 2
    assert "megatron" in wrong.err


def test_a_short_name_is_not_likened_to_long_ones():
    """`foo` shares two letters with `olmo` and with `foundation-model-stack`, and means neither."""
    with pytest.raises(UnknownNameError) as caught:
        find_stack("foo")
    assert not caught.value.nearest
