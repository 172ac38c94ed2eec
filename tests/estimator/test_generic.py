"""A model of which only a size is known: beside measured runs, beside known models, and beside hand sums."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from calibration import generic as program
from footprint import estimate
from footprint.catalog.assumptions import assumed
from footprint.decisions import sweep
from footprint.errors import FootprintError
from tests.conftest import Footprint

WORK: dict[str, Any] = {"tokens": 30e9, "seq_len": 2048, "batch_size": 512, "region": "FRA"}
MEASURED = {
    # Tokens per second of one accelerator, as typed from reference_data/published/throughput.csv.
    "t0001 MPT-70b": (1007, {"parameters": 70e9, "hw": "h100:512", "seq_len": 2048, "batch_size": 4096}),
    "t0808 Llama-2-70B": (355, {"parameters": 69e9, "hw": "a100:64", "seq_len": 4096, "batch_size": 64}),
    "t0868 Llama2-70B": (890, {"parameters": 69e9, "hw": "h100:96", "seq_len": 4096, "batch_size": 192}),
    "t0499 GPT OSS 120B": (
        5984,
        {
            "parameters": 117e9, "active_parameters": 5.1e9, "hw": "h100:64", "seq_len": 4096,
            "batch_size": 1280,
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MEASURED)
def test_a_measured_step_lies_within_the_interval(name: str) -> None:
    rate, fields = MEASURED[name]
    answer = estimate(tokens=1e12, precision="bf16", **fields)
    count = int(fields["hw"].partition(":")[2])
    step_s = fields["seq_len"] * fields["batch_size"] / (count * rate)
    assert answer.step_time_s is not None
    assert answer.step_time_s.low < step_s < answer.step_time_s.high


@pytest.mark.parametrize(
    ("known", "size"),
    [
        ("llama2-7b", {"parameters": 6.74e9}),
        ("gpt2", {"parameters": 124e6}),
        ("qwen2.5-72b", {"parameters": 72.7e9}),
        ("mixtral-8x7b", {"parameters": 46.7e9, "active_parameters": 12.9e9}),
        ("bert-large", {"parameters": 335e6}),
    ],
)
def test_a_known_model_of_that_size_lies_within_the_interval(known: str, size: dict[str, float]) -> None:
    shape = {**WORK, "hw": "a100:32", "seq_len": 512 if known == "bert-large" else 1024}
    exact, generic = estimate(model=known, **shape), estimate(**size, **shape)
    assert generic.duration_h.low < exact.duration_h.mid < generic.duration_h.high
    assert exact.flop is not None
    assert generic.flop is not None
    assert generic.flop.model_flop == pytest.approx(exact.flop.model_flop, rel=0.3)
    assert exact.duration_h.spread.keys() < generic.duration_h.spread.keys()


def test_flop_of_a_token_is_taken_as_it_is_given() -> None:
    answer = estimate(flop_per_token=9e9, hw="h100:8", **WORK)
    assert answer.flop is not None
    assert answer.flop.model_flop == pytest.approx(9e9 * 30e9, rel=1e-12)
    assert (
        9e9 * 30e9 <= answer.flop.hardware_flop < 1.1 * 9e9 * 30e9
    )  # fused attention multiplies Q by K again
    assert answer.model is not None
    assert (answer.model.family, answer.model.parameters) == ("generic", None)


def test_the_decoder_of_a_number_of_flop_is_about_as_large_as_a_model_that_takes_as_many() -> None:
    known = estimate(model="llama2-7b", hw="h100:64", **WORK)
    assert known.flop is not None
    answer = estimate(flop_per_token=known.flop.model_flop / 30e9, hw="h100:64", **WORK)
    assert answer.duration_h.mid == pytest.approx(known.duration_h.mid, rel=0.1)
    assert answer.duration_h.high / answer.duration_h.mid > 2.0  # experts run at a lower MFU


def test_flop_of_a_sample_at_a_given_mfu_is_a_sum_by_hand() -> None:
    answer = estimate(flop_per_sample=24.6e9, samples=1e8, hw="v100:8", precision="fp16", mfu=0.2)
    assert answer.flop is not None
    assert answer.flop.model_flop == pytest.approx(24.6e9 * 1e8)
    assert answer.step_time_s is not None
    assert answer.goodput is not None
    # V100 SXM2, dense fp16: 125 TFLOP/s (NVIDIA's datasheet).
    hours = 24.6e9 * 1e8 / (8 * 125e12 * 0.2) / 3600
    assert answer.duration_h.mid == pytest.approx(hours / answer.goodput.mid)


def test_a_known_image_model_lies_within_the_interval_of_its_flop() -> None:
    known = estimate(model="resnet-50", samples=1e8, hw="v100:8", region="FRA")
    assert known.flop is not None
    answer = estimate(flop_per_sample=known.flop.model_flop / 1e8, samples=1e8, hw="v100:8", region="FRA")
    assert answer.duration_h.low < known.duration_h.mid < answer.duration_h.high
    assert answer.duration_h.high / answer.duration_h.low > known.duration_h.high / known.duration_h.low


def test_a_given_mfu_leaves_the_spread_of_the_flop() -> None:
    answer = estimate(parameters=1.5e9, hw="h100:8", mfu=0.4, **WORK)
    assert answer.mfu is not None
    assert answer.mfu.bounds == (0.4, 0.4)
    assert answer.step_time_s is not None
    assert "generic_model" in answer.step_time_s.spread
    exact = estimate(flop_per_token=9e9, hw="h100:8", mfu=0.4, **WORK)
    assert exact.step_time_s is not None
    assert exact.step_time_s.low == exact.step_time_s.high


def test_a_grid_has_the_same_answers() -> None:
    sizes = [1.5e9, 7e9]
    grid = sweep({"parameters": sizes, "hw": ["h100:8", "h100:64"]}, **WORK)
    singly = [estimate(parameters=n, hw=hw, **WORK).energy_kwh for n in sizes for hw in ("h100:8", "h100:64")]
    assert list(grid.columns["energy_kwh_mid"]) == pytest.approx([one.mid for one in singly])
    assert list(grid.columns["energy_kwh_high"]) == pytest.approx([one.high for one in singly])


@pytest.mark.parametrize("parameters", [1e3, 1e5, 3e6, 1e8, 3.3e10, 1e14, 1e16])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.05, 1e-3])
def test_every_size_has_an_answer_of_about_6_flop_a_parameter(parameters: float, share: float) -> None:
    active = max(1e3, parameters * share)
    work = {**WORK, "batch_size": 4096}
    answer = estimate(parameters=parameters, active_parameters=active, hw="h100:4096", force=True, **work)
    assert answer.flop is not None
    if parameters >= 1e8 and active >= 1e8:  # below, attention over 2048 tokens is more than the parameters
        assert answer.flop.model_flop == pytest.approx(6 * active * 30e9, rel=0.5)


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"parameters": 0}, "at least 1000"),
        ({"parameters": float("nan")}, "finite"),
        ({"parameters": 1e40}, "at most"),
        ({"parameters": -1}, "at least 1000"),
        ({"parameters": 1e9, "active_parameters": 2e9}, "more than"),
        ({"active_parameters": 1e9}, "needs `parameters=`"),
        ({"parameters": 1e9, "model": "gpt2"}, "contradict"),
        ({"parameters": 1e9, "flop_per_token": 1e9}, "contradict"),
        ({"flop_per_token": float("inf")}, "finite"),
        ({"flop_per_token": 1e9, "method": "lora"}, "`method=` has no meaning with"),
        ({"flop_per_sample": 1e9}, "`tokens=`"),
        ({"parameters": 1e9, "image_size": 224}, "`image_size=` has no meaning with"),
        ({"parameters": "many"}, "parameters"),
    ],
)
def test_a_size_that_cannot_be_is_refused(fields: dict[str, Any], part: str) -> None:
    with pytest.raises(FootprintError) as raised:
        estimate(tokens=1e9, hw="h100:8", **fields)
    assert part in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "fields",
    [{"flop_per_sample": 1e9}, {"parameters": 1e9}, {"flop_per_token": 1e9}],
    ids=lambda one: next(iter(one)),
)
def test_an_amount_is_asked_for(fields: dict[str, Any]) -> None:
    with pytest.raises(FootprintError, match="is not known"):
        estimate(hw="h100:8", **fields)


def test_every_format_says_that_the_model_is_generic(footprint: Footprint) -> None:
    words = ("estimate", "--parameters", "1.5B", "--tokens", "30B", "--hw", "h100:8", "--quiet")
    for form in ("table", "markdown"):
        text = footprint(*words, "--format", form).stdout
        assert "generic decoder, 1.5B parameters" in text
        assert "layers of width" in text
    found = json.loads(footprint(*words, "--format", "json").stdout)["model"]
    assert found == {
        "name": "generic decoder, 1.5B parameters", "family": "generic", "parameters": 1.5e9,
        "active_parameters": 1.5e9,
    }  # fmt: skip
    (row,) = csv.DictReader(io.StringIO(footprint(*words, "--format", "csv").stdout))
    assert "generic decoder, 1.5B parameters" in row["name"]


def test_samples_without_a_shape_are_told_in_words(footprint: Footprint) -> None:
    words = ("--flop-per-sample", "24B", "--samples", "100M", "--hw", "v100:8", "--quiet", "--explain")
    done = footprint("estimate", *words)
    assert done.returncode == 0, done.stderr
    assert "generic model, 24B FLOP a sample" in done.stdout
    assert "steps of 256 samples; fp16" in done.stdout


def test_a_scenario_file_holds_the_size(footprint: Footprint, tmp_path) -> None:
    words = ("--tokens", "30B", "--hw", "h100:8", "--format", "json", "--quiet")
    path = tmp_path / "scenario.toml"
    sizes = ("--parameters", "47B", "--active-parameters", "13B")
    first = json.loads(footprint("estimate", *sizes, *words, "--save", str(path)).stdout)
    assert "parameters = 47" in path.read_text()
    again = json.loads(footprint("estimate", "--from", str(path), "--format", "json", "--quiet").stdout)
    assert again["energy_kwh"] == first["energy_kwh"]


@pytest.mark.parametrize("size", ["0", "nan", "1e40", "-1", "x"])
def test_a_bad_size_is_exit_2_with_one_message(footprint: Footprint, size: str) -> None:
    done = footprint("estimate", f"--parameters={size}", "--tokens", "1B", "--hw", "h100:8")
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_shipped_depth_is_that_of_the_catalogue() -> None:
    fitted = {name: value for name, value, *_ in program.shape_rows()}
    for parameters in (1e8, 1e10, 1e12):
        # A few models more in the catalogue move the law by less than this.
        assert assumed("generic_fitted.depth").value * parameters ** assumed(
            "generic_fitted.depth_exponent"
        ).value == pytest.approx(fitted["depth"] * parameters ** fitted["depth_exponent"], rel=0.1)
