"""Anchors that are written out, that are wrong, that contradict each other, and the one that is offered."""

import json
import math
import os
from pathlib import Path

import pytest

import footprint as api
from footprint.results import Quantity
from footprint.results.human import interval
from tests.cli.run import footprint
from tests.cli.test_anchor import MEASURED, estimate, keep, own_folder

__all__ = ["own_folder"]


def test_written_out_it_says_the_same_as_its_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'model = "llama2-7b"\nhw = "a100:64"\nbatch_size = 1024\nseq_len = 4096\ntokens_per_second = 210e3\n'
    )
    of_file = estimate(*MEASURED, "--anchor", str(file))["step_time_s"]
    for text in (
        "llama2-7b a100:64 tokens_per_second=210k batch_size=1024 seq_len=4096",
        "tokens-per-second=0.21M model=llama2-7b seq-len=4096 batch-size=1k hw=a100x64".replace("1k", "1024"),
    ):
        assert estimate(*MEASURED, "--anchor", text)["step_time_s"] == of_file
    fields = {"model": "llama2-7b", "hw": "a100:64", "batch_size": 1024, "seq_len": 4096}
    in_python = api.estimate(**fields, anchor=["llama2-7b a100:64 tokens_per_second=210k batch_size=1024 "
                                               "seq_len=4096"])  # fmt: skip
    assert in_python.to_json()["step_time_s"] == of_file


def test_a_measurement_without_its_time_is_told_what_it_lacks() -> None:
    done = footprint("estimate", *MEASURED, "--anchor", "llama2-7b a100:64")
    assert done.code == 2
    assert "needs a measured time" in done.err
    assert "--tokens-per-second" in done.err


def test_two_measurements_of_one_job_have_two_names() -> None:
    text = "llama2-7b a100:64 tokens_per_second=210k batch_size=1024 seq_len=4096"
    done = footprint("estimate", *MEASURED, "--anchor", text, "--anchor", text.replace("210k", "90k"))
    said = " ".join(done.err.split())
    assert (
        "anchors llama2-7b a100:64 tokens_per_second=210k and llama2-7b a100:64 tokens_per_second=90k "
        "contradict each other" in said
    )


def test_a_scenario_keeps_its_anchors(tmp_path: Path) -> None:
    text = "llama2-7b a100:64 tokens_per_second=210k batch_size=1024 seq_len=4096"
    saved = tmp_path / "scenario.toml"
    args = (*MEASURED, "--anchor", text, "--anchor", text.replace("210k", "215k"))
    first = footprint("estimate", *args, "--save", str(saved), "--format", "json")
    again = footprint("estimate", "--from", str(saved), "--format", "json")
    assert json.loads(first.out)["step_time_s"] == json.loads(again.out)["step_time_s"]


@pytest.mark.parametrize("command", ["compare", "sweep"])
def test_grids_take_the_anchors_of_an_estimate(command: str) -> None:
    text = "llama2-7b a100:64 tokens_per_second=210k batch_size=1024 seq_len=4096"
    grid = ("--model", "llama2-7b", "--hw", "a100:64,a100:128", "--batch-size", "1024", "--seq-len", "4096")
    done = footprint(command, *grid, "--anchor", text, "--anchor", text.replace("210k", "214k"),
                     "--format", "json")  # fmt: skip
    assert done.code == 0, done.err
    more = ("--anchor", text, "--anchor", text.replace("210k", "214k"))
    found = done.out
    for hw in ("a100:64", "a100:128"):
        args = tuple(hw if word == "a100:64" else word for word in MEASURED)
        hours = estimate(*args, *more)["duration_h"]["mid"]
        assert hours != pytest.approx(estimate(*args)["duration_h"]["mid"], rel=0.02)
        assert any(math.isclose(hours, number, rel_tol=1e-9) for number in numbers_in(json.loads(found)))


def numbers_in(value: object) -> list[float]:
    if isinstance(value, dict):
        return [n for one in value.values() for n in numbers_in(one)]
    if isinstance(value, list):
        return [n for one in value for n in numbers_in(one)]
    return [value] if isinstance(value, float) else []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("llama2-7b a100:64 tokens_per_secnd=98k", "did you mean tokens_per_second"),
        ("llama2-7b a100:64 tokens_per_second=nan batch_size=8", "tokens-per-second"),
        ("llama2-7b a100:64 tokens_per_second=inf", "tokens-per-second"),
        ("llama2-7b a100:64 tokens_per_second=-5", "tokens-per-second"),
        ("llama2-7b a100:64 tokens_per_second=", "tokens_per_second has no value"),
        ("llama2-7b a100:64 tokens_per_second=98k tokens_per_second=99k", "is given twice"),
        ("llama2-7b a100:64 batch_size=8", "needs a measured time"),
        ("a100:64 tokens_per_second=98k", "needs the model that was measured"),
        ("llama2-7b tokens_per_second=98k", "--hw is missing"),
        (
            "llama2-7b a100:64 tokens_per_second=98k precision=fp3",
            "precision=fp3': --precision must be one of",
        ),
        ("llama2-7b a100:64 extra tokens_per_second=98k", "no key=value"),
        ("llama2-7b a100:64 tokens_per_second=98k step_time_s=1", "contradict"),
        ("llama2-7b a100:64 tokens_per_second=98k region=FRA", "unknown anchor key"),
        ("llama2-7b a100:64 tokens_per_second=98k anchor=x", "unknown anchor key"),
        ("llama2-7b a100:64 tokens_per_second=98k batch_size=1.5", "whole number"),
        ("llama2-7z a100:64 tokens_per_second=98k", "llama2-7b"),
        ("llama2-7b a100:64 \x1b[31m tokens_per_second=98k", "anchor"),
        ("llama2-7b a100:64 tokens_per_second=98k name=" + 3000 * "x", "at most 2000 characters"),
        ("llama2-7b a100:64 tokens_per_second=98k;", "empty"),
    ],
)
def test_what_is_written_out_wrongly_is_one_clear_error(text: str, said: str) -> None:
    done = footprint("estimate", *MEASURED, "--anchor", text)
    assert done.code == 2, done.out
    assert said in " ".join(done.err.split())
    assert "\x1b" not in done.err
    assert len(done.err) < 1500


def test_no_measurement_is_faster_than_the_peak() -> None:
    # 6 x 6.7e9 parameters x 4096 x 1024 tokens at 64 x 312 TFLOP/s take 8.5 s at least
    done = footprint("estimate", *MEASURED, "--anchor", "llama2-7b a100:64 batch_size=1024 seq_len=4096 "
                     "step_time_s=8.2")  # fmt: skip
    assert done.code == 2
    said = " ".join(done.err.split())
    assert "means an MFU of 1." in said
    assert "64 x a100-sxm4-80gb" in said


def test_anchors_that_contradict_each_other_are_named_with_both_numbers() -> None:
    plain = estimate(*MEASURED)["step_time_s"]["mid"]
    text = "llama2-7b a100:64 batch_size=1024 seq_len=4096 name={} step_time_s={!r}"
    one, two = text.format("one", 0.9 * plain), text.format("two", 2.7 * plain)
    done = footprint("estimate", *MEASURED, "--anchor", one, "--anchor", two)
    said = " ".join(done.err.split())
    assert done.code == 0
    assert "anchors one and two contradict each other" in said
    assert "0.9 and 2.7 times" in said
    near = text.format("near", 0.95 * plain)
    assert "contradict" not in footprint("estimate", *MEASURED, "--anchor", one, "--anchor", near).err


def test_more_anchors_than_are_allowed() -> None:
    done = footprint("estimate", *MEASURED, "--anchor", ",".join(f"a{n}" for n in range(21)))
    assert done.code == 2
    assert "at most 20 anchors" in done.err


def test_an_estimate_names_the_nearest_of_the_anchors_and_what_it_would_do() -> None:
    assert "--anchor" not in footprint("estimate", *MEASURED).err
    plain = estimate(*MEASURED)["step_time_s"]["mid"]
    assert keep(plain * 1.1).code == 0
    far = ("--model", "llama2-7b", "--hw", "a100:64", "--batch-size", "512", "--seq-len", "8192")
    seconds = repr(0.9 * estimate(*far)["step_time_s"]["mid"])
    assert footprint("anchor", "--name", "longer", *far, "--step-time-s", seconds).code == 0
    said = " ".join(footprint("estimate", *MEASURED).err.split())
    assert "your measurement ours of" in said
    assert "(the same model, a100:64)" in said
    assert said.endswith("--anchor ours")
    hours = estimate(*MEASURED, "--anchor", "ours")["duration_h"]
    assert interval(Quantity.between(hours["low"], hours["mid"], hours["high"], "x"), "h") in said
    for args in (("--anchor", "ours"), ("--hours", "10"), ("--quiet",), ("--seq-len", "1048576")):
        assert "your measurement" not in footprint("estimate", *MEASURED, *args).err
    assert footprint("anchor", "--remove", "ours").code == 0
    assert "your measurement ours" not in footprint("estimate", *MEASURED).err


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b'{"name": "../../etc/passwd"}',
        b"[" * 5000,
        b'{"name": "ours", "model": "x\\u001b[31m", "hw": "a100:64"}',
        b"x" * 200_000,
    ],
)
def test_hostile_lines_of_known_anchors_never_break_an_estimate(tmp_path: Path, line: bytes) -> None:
    plain = footprint("estimate", *MEASURED)
    folder = tmp_path / "data" / "anchors"
    folder.mkdir(parents=True)
    (folder / "known-anchors.jsonl").write_bytes(line + b"\n" + line)
    done = footprint("estimate", *MEASURED)
    assert (done.code, done.err) == (0, plain.err)


@pytest.mark.parametrize(
    "text", ["", "x = [", "hw = 3", 'schema = "other"', 'model = "llama2-7b"\nhw = "a100:64"']
)
def test_a_kept_file_that_was_spoilt_never_breaks_an_estimate(tmp_path: Path, text: str) -> None:
    plain = footprint("estimate", *MEASURED)
    assert keep(25.0).code == 0
    (tmp_path / "data" / "anchors" / "ours.toml").write_text(text)
    done = footprint("estimate", *MEASURED)
    assert (done.code, done.err) == (0, plain.err)


def test_a_named_pipe_in_the_place_of_known_anchors_is_not_opened(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "anchors"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "known-anchors.jsonl")
    assert footprint("estimate", *MEASURED).code == 0
