"""Anchors: a measurement of one's own stack shifts and narrows later estimates."""

import json
import math
from pathlib import Path

import pytest

from tests.cli.run import Outcome, footprint

MEASURED = ("--model", "llama2-7b", "--hw", "a100:64", "--batch-size", "1024", "--seq-len", "4096")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTPRINT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FOOTPRINT_DIR", str(tmp_path / "runs"))


def estimate(*args: str) -> dict[str, dict[str, float]]:
    done = footprint("estimate", *args, "--format", "json", "--quiet")
    assert done.code == 0, done.err
    record: dict[str, dict[str, float]] = json.loads(done.out)
    return record


def keep(seconds: float, *more: str) -> Outcome:
    return footprint("anchor", "--name", "ours", *MEASURED, "--step-time-s", f"{seconds!r}", *more)


def test_the_measured_step_itself_moves_towards_the_measurement_and_narrows() -> None:
    plain = estimate(*MEASURED)["step_time_s"]
    assert keep(plain["mid"] * 1.3).code == 0
    shifted = estimate(*MEASURED, "--anchor", "ours")["step_time_s"]
    assert plain["mid"] < shifted["mid"] <= plain["mid"] * 1.3 * (1 + 1e-12)
    assert shifted["high"] / shifted["low"] < plain["high"] / plain["low"]


def test_an_anchor_is_shown_in_every_format() -> None:
    predicted = estimate(*MEASURED)["step_time_s"]["mid"]
    kept = footprint(
        "anchor", "--name", "ours", *MEASURED, "--step-time-s", f"{2 * predicted!r}", "--format", "json"
    )
    assert json.loads(kept.out)[0]["step_time_ratio"] == pytest.approx(2, rel=1e-9)
    shown = footprint("anchor", "--show", "ours", "--format", "json")
    assert json.loads(shown.out) == json.loads(kept.out)
    head, row, *_ = footprint("anchor", "--show", "ours", "--format", "csv").out.splitlines()
    assert dict(zip(head.split(","), row.split(","), strict=True))["accelerator"] == "a100-sxm4-80gb"
    assert "| ours | llama2-7b |" in footprint("anchor", "--show", "ours", "--format", "markdown").out
    assert json.loads(footprint("anchor", "--list", "--format", "json").out) == [{"name": "ours"}]


def test_the_shift_fades_with_distance_as_a_power_of_the_ratio() -> None:
    plain = estimate(*MEASURED)["step_time_s"]["mid"]
    assert keep(plain * 1.5).code == 0
    taken = []
    for length in ("4096", "8192", "16384"):
        args = ("--model", "llama2-7b", "--hw", "a100:64", "--batch-size", "1024", "--seq-len", length)
        before, after = (estimate(*args, *more)["step_time_s"]["mid"] for more in ((), ("--anchor", "ours")))
        taken.append(math.log(after / before) / math.log(1.5))
    assert 0.5 <= taken[0] <= 1.0
    # exp(-log(2) / scale) each time the length is doubled
    assert taken[1] / taken[0] == pytest.approx(taken[2] / taken[1], rel=1e-6)
    assert taken[1] < taken[0]


def test_an_anchor_of_another_size_and_length_changes_little_beside_a_near_one() -> None:
    plain = estimate(*MEASURED)["step_time_s"]["mid"]
    assert keep(plain * 1.2).code == 0
    far = ("--model", "llama2-70b", "--hw", "a100:64", "--batch-size", "64", "--seq-len", "16384")
    slow = 2.0 * estimate(*far)["step_time_s"]["mid"]
    assert footprint("anchor", "--name", "far", *far, "--step-time-s", f"{slow!r}").code == 0
    alone = estimate(*MEASURED, "--anchor", "ours")["step_time_s"]
    both = estimate(*MEASURED, "--anchor", "far,ours")["step_time_s"]
    # It took twice its predicted time, and moves what the near one says by a few hundredths.
    assert alone["mid"] < both["mid"] < 1.05 * alone["mid"]
    assert both["high"] / both["low"] < 1.01 * alone["high"] / alone["low"]
    assert estimate(*MEASURED, "--anchor", "ours", "--anchor", "far")["step_time_s"] == both
    assert footprint("estimate", *MEASURED, "--anchor", "ours,nobody").code == 2


def test_two_that_agree_shift_further_and_narrow_more_than_one() -> None:
    plain = estimate(*MEASURED)["step_time_s"]
    texts = []
    for hw, batch in (("a100:64", 1024), ("a100:32", 512)):
        job = ("--model", "llama2-7b", "--hw", hw, "--batch-size", str(batch), "--seq-len", "4096")
        seconds = 1.2 * estimate(*job)["step_time_s"]["mid"]
        texts.append(f"llama2-7b {hw} batch_size={batch} seq_len=4096 step_time_s={seconds!r}")
    one = estimate(*MEASURED, "--anchor", texts[0])["step_time_s"]
    two = estimate(*MEASURED, "--anchor", texts[0], "--anchor", texts[1])["step_time_s"]
    assert plain["mid"] < one["mid"] < two["mid"] < 1.2 * plain["mid"]
    widths = [math.log(step["high"] / step["low"]) for step in (plain, one, two)]
    assert widths[0] > widths[1] > widths[2]
    again = estimate(*MEASURED, "--anchor", texts[1], "--anchor", texts[0])["step_time_s"]
    assert again["mid"] == pytest.approx(two["mid"], rel=1e-12)


def test_another_precision_says_little_and_another_length_less() -> None:
    assert keep(30.0, "--force").code == 0
    other = ("--model", "llama2-7b", "--hw", "h100:64", "--precision", "fp8")
    plain = estimate(*other)["step_time_s"]
    moved = math.log(estimate(*other, "--anchor", "ours")["step_time_s"]["mid"] / plain["mid"])
    assert 0 < moved < 0.60 * math.log(30.0 / estimate(*MEASURED)["step_time_s"]["mid"])
    longer = (*other, "--seq-len", "16384")
    alone, anchored = (estimate(*longer, *said)["step_time_s"]["mid"] for said in ((), ("--anchor", "ours")))
    assert 0 < math.log(anchored / alone) < moved


def test_another_named_stack_says_nothing() -> None:
    text = "llama2-7b a100:64 batch_size=1024 seq_len=4096 step_time_s=30 stack=megatron"
    args = (*MEASURED, "--stack", "hf")
    assert estimate(*args)["step_time_s"] == estimate(*args, "--anchor", text)["step_time_s"]
    done = footprint("estimate", *args, "--anchor", text)
    assert "says nothing of a100-sxm4-80gb in bf16 with hf" in done.err


def test_throughput_says_the_same_as_step_time(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    scenario = 'model = "llama2-7b"\nhw = "a100:64"\nbatch_size = 1024\nseq_len = 4096\n'
    file.write_text(scenario + "step_time_s = 25.0\n")
    by_step = estimate(*MEASURED, "--anchor", str(file))["step_time_s"]
    file.write_text(scenario + f"tokens_per_second = {1024 * 4096 / 25.0}\n")
    by_tokens = estimate(*MEASURED, "--anchor", str(file))["step_time_s"]
    assert by_tokens["mid"] == pytest.approx(by_step["mid"], rel=1e-9)


def test_kept_listed_shown_removed() -> None:
    assert keep(25.0).code == 0
    assert keep(25.0).code == 2, "a name that is taken"
    assert keep(25.0, "--overwrite").code == 0
    assert footprint("anchor", "--list").out.split() == ["ours"]
    assert "times the predicted one" in footprint("anchor", "--show", "ours").out
    assert "anchor ours" in footprint("estimate", *MEASURED, "--anchor", "ours").out
    assert footprint("anchor", "--remove", "ours").code == 0
    assert footprint("anchor", "--list").out == ""
    assert footprint("anchor", "--remove", "ours").code == 2


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("--name", "../../etc/passwd", *MEASURED, "--step-time-s", "25"),
        ("--name", "x", *MEASURED),
        ("--name", "x", "--hw", "a100:64", "--step-time-s", "25"),
        ("--name", "x", *MEASURED, "--step-time-s", "0.0001"),
        ("--name", "x", *MEASURED, "--step-time-s", "nan"),
        ("--name", "x", *MEASURED, "--hours", "100"),
        ("--name", "x", *MEASURED, "--step-time-s", "25", "--anchor", "x"),
        ("--show", "nothing"),
    ],
)
def test_what_is_no_measurement_is_refused(args: tuple[str, ...]) -> None:
    done = footprint("anchor", *args)
    assert done.code == 2
    assert "our own fault" not in done.err
    assert footprint("anchor", "--list").out == ""


def test_an_unknown_anchor_names_the_nearest() -> None:
    assert keep(25.0).code == 0
    done = footprint("estimate", *MEASURED, "--anchor", "our")
    assert done.code == 2
    assert "did you mean ours" in done.err
