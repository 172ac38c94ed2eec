"""A measured peak of memory: as an anchor in each of its forms, as a fact of a job, and when it cannot be."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.run import footprint
from tests.cli.test_anchor import own_folder

__all__ = ["own_folder"]

LAYOUT = "--dp 8 --zero 3 --micro-batch 1 --recompute none"
JOB = f"--model llama3.1-8b --hw h100:8 --tokens 1B --batch-size 128 {LAYOUT}"
MEASURED = "llama3.1-8b h100:8 batch_size=128 dp=8 zero=3 micro_batch=1 recompute=none"
FREE = "--model llama3.1-8b --hw h100:8 --tokens 1B --batch-size 128"
LITGPT = (
    "--model llama2-7b --hw a100-sxm4-40gb:1 --method lora --lora-rank 8 --lora-targets q_proj,v_proj "
    "--lora-dropout shared --seq-len 1304 --year 2023 --steps 10 --recompute none"
)


def estimate(args: str, *anchors: str) -> dict:
    more = [word for text in anchors for word in ("--anchor", text)]
    done = footprint("estimate", *args.split(), *more, "--format", "json", "--quiet")
    assert done.code == 0, done.err
    return json.loads(done.out)


def refused(args: str, *anchors: str) -> str:
    more = [word for text in anchors for word in ("--anchor", text)]
    done = footprint("estimate", *args.split(), *more)
    assert done.code == 2, done.out
    assert "our own fault" not in done.err
    return " ".join(done.err.split())


def test_it_moves_the_memory_of_the_same_job_towards_the_measured_one_and_narrows_it() -> None:
    plain, anchored = estimate(JOB), estimate(JOB, f"{MEASURED} memory_gib=70")
    before, after = plain["memory"]["needed_gib"], anchored["memory"]["needed_gib"]
    assert before["mid"] < after["mid"] < 70
    # 0.8 of the log error is shared by two steps of one job
    assert math.log(after["mid"] / before["mid"]) == pytest.approx(
        0.8 * math.log(70 / before["mid"]), rel=1e-6
    )
    assert after["high"] / after["low"] < before["high"] / before["low"]
    assert (plain["memory"]["basis"], anchored["memory"]["basis"]) == ("predicted", "anchored")
    assert anchored["memory"]["room_gib"] == pytest.approx(80 - after["mid"])
    assert anchored["step_time_s"] == plain["step_time_s"]
    row = next(one for one in anchored["assumptions"] if "memory, taken at 80%" in one["name"])
    assert row["value"] == pytest.approx(70 / before["mid"])


def test_the_table_and_the_explanation_say_what_the_memory_rests_on() -> None:
    text = f"{MEASURED} memory_gib=70"
    for more in ((), ("--explain",)):
        done = footprint("estimate", *JOB.split(), "--anchor", text, *more)
        said = " ".join(done.out.split())
        assert "GiB left, anchored on a measured memory" in said
        assert "measured over predicted memory, taken at 80%" in said
        assert max(map(len, done.out.splitlines())) <= 80


def test_time_and_memory_of_one_measurement_each_correct_their_own() -> None:
    time, memory, both = (
        estimate(JOB, f"{MEASURED} {what}")
        for what in ("tokens_per_second=98k", "memory_gib=70", "tokens_per_second=98k memory_gib=70")
    )
    assert both["step_time_s"] == time["step_time_s"] != memory["step_time_s"]
    assert both["memory"] == memory["memory"] != time["memory"]


def test_a_published_peak_brings_another_of_its_source_nearer() -> None:
    """LitGPT's table (LoRA of Llama 2 7B on an A100 with 40 GB): 21.3 and 29.07 GB for 1 and 2 sequences."""
    job = f"{LITGPT} --batch-size 2 --micro-batch 2"
    one = LITGPT.removeprefix("--").replace(" --", " ").split()
    text = " ".join(
        f"{key.replace('-', '_')}={value}"
        for key, value in zip(one[::2], one[1::2], strict=True)
        if key != "steps"
    )
    known = f"{text} batch_size=1 micro_batch=1 memory_gib={21.3e9 / 2**30}"
    truth = 29.07e9 / 2**30
    before, after = (estimate(job, *more)["memory"]["needed_gib"] for more in ((), (known,)))
    assert abs(math.log(after["mid"] / truth)) < 0.65 * abs(math.log(before["mid"] / truth))
    assert after["low"] < truth < after["high"]


def test_a_scope_says_what_was_measured() -> None:
    """PyTorch's allocator holds 0.63 GiB more than its tensors, and a process 1.3 GiB besides."""
    found = [
        estimate(JOB, f"{MEASURED} memory_gib=70 memory_scope={scope}")["memory"]["needed_gib"]["mid"]
        for scope in ("allocated", "reserved", "device")
    ]
    assert estimate(JOB, f"{MEASURED} memory_gib=70")["memory"]["needed_gib"]["mid"] == found[0]
    assert found[0] > found[1] > found[2]
    assert found[0] - found[1] == pytest.approx(0.6, abs=0.3)


def test_the_finder_keeps_to_the_memory_that_was_measured() -> None:
    """Of 80 GiB a step fills at most 76: a context and an allocator need the rest."""
    free = f"{FREE.replace('128', '64')} --seq-len 12288"
    measured = f"{MEASURED.replace('128', '64')} seq_len=12288"
    plain, large = estimate(free), estimate(free, f"{measured} memory_gib=79")
    assert plain["memory"]["basis"] == "predicted"
    ratio = next(row["value"] for row in large["assumptions"] if "predicted memory" in row["name"])
    # The layout that was found before would not fit: its memory times the shared part of the ratio.
    assert plain["memory"]["needed_gib"]["mid"] < 76 < plain["memory"]["needed_gib"]["mid"] * ratio**0.8
    assert large["parallelism"] != plain["parallelism"]
    assert large["memory"]["needed_gib"]["mid"] <= 76
    small = estimate(free, f"{measured} memory_gib=30")
    assert small["step_time_s"]["mid"] < plain["step_time_s"]["mid"]


def test_a_layout_whose_anchored_memory_does_not_fit_is_refused() -> None:
    tight = JOB.replace("--micro-batch 1", "--micro-batch 2")
    fits = JOB.replace("h100:8", "h200:8").replace("--micro-batch 1", "--micro-batch 2")
    assert estimate(fits)["memory"]["needed_gib"]["mid"] > 60
    said = refused(tight, f"{MEASURED} memory_gib=79")
    assert (
        "by the predicted memory, anchored on a measured one, the step does not fit into the 80 GiB" in said
    )


def test_without_its_layout_it_counts_for_less_and_says_what_to_add() -> None:
    text = "llama3.1-8b h100:8 batch_size=128 memory_gib=30"
    done = footprint("estimate", *JOB.split(), "--anchor", text)
    said = " ".join(done.err.split())
    assert "its memory counts for less, as its layout is not said" in said
    assert "add --tp, --pp, --cp, --zero, --micro-batch, --recompute of what was measured" in said
    assert (
        "counts for less"
        not in footprint("estimate", *JOB.split(), "--anchor", f"{MEASURED} memory_gib=70").err
    )


def test_more_than_the_chip_has_is_one_message_with_both_numbers() -> None:
    for text in (f"{MEASURED} memory_gib=492", f"{MEASURED} memory_gib=96 tokens_per_second=98k"):
        said = refused(JOB, text)
        assert f"--memory-gib {text.split('memory_gib=')[1].split()[0]} is above the 80 GiB of one" in said
        assert "a sum over the 8 accelerators" in said
        assert said.count("footprint: anchor") == 1
    assert "is above the 80 GiB" in refused(f"{JOB} --memory-gib 81")
    done = footprint("anchor", "--name", "ours", *JOB.split(), "--memory-gib", "81")
    assert (done.code, footprint("anchor", "--list").out) == (2, "")


def test_less_than_the_weights_is_a_warning_with_both_numbers_and_changes_nothing() -> None:
    """8.03e9 parameters in 16 bits, of which each of 8 holds an eighth and two of 32 layers gathered."""
    held = 8.03e9 * 2 / 8 / 2**30
    done = footprint("estimate", *JOB.split(), "--anchor", f"{MEASURED} memory_gib=1.2", "--format", "json")
    said = " ".join(done.err.split())
    assert done.code == 0
    assert "says nothing of memory: the measured peak of 1.2 GiB is below the" in said
    weights = float(said.split("is below the ")[1].split()[0])
    assert held < weights < 2 * held
    assert json.loads(done.out)["memory"] == estimate(JOB)["memory"]


def test_two_that_contradict_each_other_are_named_with_both_numbers() -> None:
    plain = estimate(JOB)["memory"]["needed_gib"]["mid"]
    one, two = (f"{MEASURED} name={n} memory_gib={f * plain}" for n, f in (("one", 0.35), ("two", 1.4)))
    done = footprint("estimate", *JOB.split(), "--anchor", one, "--anchor", two)
    said = " ".join(done.err.split())
    assert "anchors one and two contradict each other: the measured memory is 0.35 and 1.4 times" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("memory_gib=0", "--memory-gib"),
        ("memory_gib=-3", "--memory-gib"),
        ("memory_gib=nan", "--memory-gib"),
        ("memory_gib=inf", "--memory-gib"),
        ("memory_gib=much", "--memory-gib"),
        ("memory_gib=", "memory_gib has no value"),
        ("memory_gb=60", "did you mean memory_gib"),
        ("memory=60", "did you mean memory_gib"),
        ("memory_gib=60 memory_scope=total", "--memory-scope must be one of allocated, reserved, device"),
        ("step_time_s=9 memory_scope=device", "give --memory-gib"),
        ("memory_gib=1.5 memory_scope=device", "is not above the 1.95 GiB"),
        ("memory_gib=61.5 memory_gib=62", "is given twice"),
        ("memory_byte=66e9 memory_gib=62", "are the same peak"),
        ("memory_byte=61.5", "--memory-gib"),
        ("memory_byte=nan", "--memory-gib"),
        ("memory_byte=85899345921", "is above the 80 GiB"),
        ("", "needs a measured time or memory"),
    ],
)
def test_what_cannot_be_a_peak_is_one_clear_error(text: str, said: str) -> None:
    assert said in refused(JOB, f"{MEASURED} {text}")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.floats(), st.text(max_size=12), st.integers(-(10**30), 10**30)))
def test_no_value_of_a_peak_is_a_traceback_or_a_memory_that_cannot_be(value: object) -> None:
    done = footprint(
        "estimate", *JOB.split(), "--anchor", f"{MEASURED} memory_gib={value}", "--format", "json", "--quiet"
    )
    assert done.code in (0, 2)
    if done.code == 0:
        needed = json.loads(done.out)["memory"]["needed_gib"]
        assert 0 < needed["low"] <= needed["mid"] <= needed["high"] < math.inf
    else:
        assert "our own fault" not in done.err
        assert len(done.err) < 1500


def test_bytes_are_what_programs_count_and_say_the_same() -> None:
    in_byte = estimate(JOB, f"{MEASURED} memory_byte=75161927680")
    assert in_byte["memory"] == estimate(JOB, f"{MEASURED} memory_gib=70")["memory"]


def test_kept_shown_and_used_by_name_and_as_a_file(tmp_path: Path) -> None:
    kept = footprint("anchor", "--name", "ours", *JOB.split(), "--memory-gib", "70", "--format", "json")
    assert kept.code == 0, kept.err
    (record,) = json.loads(kept.out)
    plain = estimate(JOB)["memory"]["needed_gib"]["mid"]
    assert record["memory_ratio"] == pytest.approx(70 / plain)
    assert record["step_time_ratio"] is None
    assert "measured memory is" in footprint("anchor", "--show", "ours").out
    file = tmp_path / "mine.toml"
    file.write_text(
        'model = "llama3.1-8b"\nhw = "h100:8"\nbatch_size = 128\ndp = 8\nzero = 3\nmicro_batch = 1\n'
        'recompute = "none"\nmemory_gib = 70\n'
    )
    named, of_file, written = (
        estimate(JOB, one)["memory"] for one in ("ours", str(file), f"{MEASURED} memory_gib=70")
    )
    assert named == of_file == written
    said = " ".join(footprint("estimate", *JOB.split()).err.split())
    assert "would narrow the device memory from" in said
    assert "duration" not in said.partition("would narrow")[2]


@pytest.mark.parametrize("command", ["compare", "sweep"])
def test_grids_take_it_as_an_estimate_does(command: str) -> None:
    text = f"{MEASURED} memory_gib=75"
    grid = FREE.replace("h100:8", "h100:8,h100:16").split()
    done = footprint(command, *grid, "--anchor", text, "--format", "json")
    assert done.code == 0, done.err
    for hw in ("h100:8", "h100:16"):
        alone = estimate(FREE.replace("h100:8", hw), text)
        hours = repr(alone["duration_h"]["mid"])[:10]
        assert hours in done.out
        if command == "compare":
            assert repr(alone["memory"]["needed_gib"]["mid"])[:10] in done.out


def test_the_memory_of_the_job_itself_is_taken_as_it_is() -> None:
    known = estimate(f"{JOB} --memory-gib 61.5 --memory-scope reserved")
    memory = known["memory"]
    assert memory["basis"] == "given"
    # tensors: what PyTorch's allocator held, less the 6.8e8 bytes that it holds beyond them
    assert memory["needed_gib"]["mid"] == pytest.approx(61.5 - 6.8e8 / 2**30)
    assert memory["needed_gib"]["low"] == memory["needed_gib"]["high"]
    assert known["step_time_s"] == estimate(JOB)["step_time_s"]
    done = footprint("estimate", *JOB.split(), "--memory-gib", "1.2")
    assert "the measured peak of 1.2 GiB is below the" in " ".join(done.err.split())
    # What was measured ran, whatever is predicted.
    over = JOB.replace("--micro-batch 1", "--micro-batch 4")
    assert "does not fit" in refused(over)
    assert estimate(f"{over} --memory-gib 79")["memory"]["room_gib"] == pytest.approx(1.0)
