"""Escapes in files of strangers: no command prints or writes one, in any format, on any terminal."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from footprint.cli import main
from footprint.tracking.journal.codec import decode, encode
from tests.cli.run import Outcome, footprint
from tests.conftest import ROOT

EVIL = "\x1b]52;c;eA==\x07\x1b[2J\r\nfootprint: forged \u202e\u2066\x9b\x7f\u200f<b>|[x](http://a.b)"
RAW = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]"
)
"""What a terminal obeys, or what turns or hides text; line ends are looked for in their own way."""
JOURNALS = ROOT / "tests/tracking/journal/journals"
FORMATS = ("table", "json", "csv", "markdown")


def harmless(done: Outcome, *codes: int) -> str:
    """All that was said: no raw escape, and no line that a stranger began (folded lines are indented)."""
    said = done.out + done.err
    assert done.code in codes, said[:500]
    assert not RAW.search(said)
    assert not re.search(r"^footprint: forged", said, re.MULTILINE)
    return said


def _shipped(file: str, old: str, new: str, folder: Path) -> Path:
    """A shipped record under another id and without aliases, with the escapes in its texts."""
    text = (ROOT / file).read_text(encoding="utf-8")
    text = re.sub(r"^(aliases|nvml_names|torch_names) = .*$", "", text, flags=re.MULTILINE)
    evil = json.dumps(f"x{EVIL}").replace("\x7f", "\\u007f")  # JSON has that one as it is, TOML does not
    text = re.sub(
        r"^(name|note|vendor) = .*$", lambda found: f"{found[1]} = {evil}", text, flags=re.MULTILINE
    )
    path = folder / f"{new}.toml"
    path.write_text(text.replace(f'id = "{old}"', f'id = "{new}"'), encoding="utf-8")
    return path


def _model(folder: Path) -> Path:
    return _shipped("reference_data/models/bert-base.toml", "bert-base", "bert-x", folder)


def _hardware(folder: Path) -> Path:
    return _shipped("hardware_profiles/v100-sxm2-16gb.toml", "v100-sxm2-16gb", "v100-x", folder)


@pytest.mark.parametrize("format_", FORMATS)
def test_names_in_model_and_hardware_files(format_: str, tmp_path: Path) -> None:
    model, chip = str(_model(tmp_path)), str(_hardware(tmp_path))
    args = ("estimate", "--model", model, "--hw", f"{chip}:8", "--format", format_)
    said = harmless(footprint(*args), 0)
    if format_ == "markdown":
        assert "<b>" not in said
    harmless(
        footprint(*args, "--explain", "--spread") if format_ in ("table", "markdown") else footprint(*args), 0
    )
    written = tmp_path / f"x.{ {'table': 'txt', 'markdown': 'md'}.get(format_, format_) }"
    harmless(footprint(*args, "-o", str(written)), 0)
    assert not RAW.search(written.read_bytes().decode())


def test_names_in_lists_cards_and_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, make in (("models", _model), ("hardware_profiles", _hardware)):
        (tmp_path / folder).mkdir()
        make(tmp_path / folder)
    monkeypatch.setenv("FOOTPRINT_DATA", str(tmp_path))
    seen = ""
    files = (tmp_path / "models/bert-x.toml", tmp_path / "hardware_profiles/v100-x.toml")
    shown = (("models", "list"), ("models", "show", "bert-x"), ("hardware", "show", "v100-x"))
    for args in (*shown, ("hardware", "list"), *(("check", str(file)) for file in files)):
        for format_ in ("table", "json"):
            seen += harmless(footprint(*args, "--format", format_), 0)
    assert "\\u001b]52" in seen  # the name was shown, and its escape in letters


@pytest.mark.parametrize(
    "door",
    [
        "--model",
        "--hw",
        "--region",
        "--anchor",
        "--precision",
        "--from",
        "--format",
        "-o",
        "--stack",
        "--provider",
        "--tokens",
    ],
)
def test_names_on_the_command_line(door: str) -> None:
    given = {"--model": "bert-base", "--hw": "v100:8", door: "x" + EVIL}
    done = footprint("estimate", *(part for pair in given.items() for part in pair))
    harmless(done, 0 if door == "-o" and done.code == 0 else 2)


def _forged(value: Any, key: str) -> Any:
    """A record of a journal with the escapes at the end of every text of that name."""
    if isinstance(value, dict):
        return {
            name: f"{part}{EVIL}" if name == key and isinstance(part, str) else _forged(part, key)
            for name, part in value.items()
        }
    return [_forged(part, key) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", ["failed", "codecarbon", "two-ranks", "completed"])
@pytest.mark.parametrize(
    "key",
    [
        "run_id",
        "started_at",
        "name",
        "text",
        "fault",
        "error",
        "host",
        "uuid",
        "status",
        "component",
        "source",
        "hw",
        "model",
    ],
)
def test_journals(key: str, case: str, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    shutil.copytree(JOURNALS / case, folder)
    changed = 0
    for path in folder.rglob("*.jsonl"):
        lines = []
        for line in path.read_bytes().splitlines():
            record = decode(line)
            assert record is not None
            record.pop("crc", None)
            forged = _forged(record, key)
            changed += forged != record
            lines.append(encode(forged))
        path.write_bytes(b"".join(lines))
    if not changed:
        pytest.skip("no such text in these journals")
    table = tmp_path / "runs.csv"
    for args in (
        ("list",),
        ("list", "--format", "json"),
        ("show", "last"),
        ("show", "last", "--format", "json"),
        ("total",),
    ):
        harmless(footprint("runs", *args, "--dir", str(folder)), 0, 2)
    harmless(footprint("recover", str(folder), "--csv", str(table)), 0, 2)
    harmless(footprint("calibrate", str(folder), "--dry-run"), 0, 2)
    if table.exists():
        assert not RAW.search(table.read_text(encoding="utf-8"))


def _on_a_terminal(encoding: str, *args: str) -> tuple[int, str]:
    """Exit code and stdout of a command whose streams have an encoding and fail on what it lacks."""
    out, err = (
        io.TextIOWrapper(io.BytesIO(), encoding, errors="strict", write_through=True) for _ in range(2)
    )
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as stop:
        main(list(args))
    raw = [stream.buffer.getvalue() for stream in (out, err)]  # type: ignore[attr-defined]
    assert b"our own fault" not in raw[1]
    return int(stop.value.code or 0), raw[0].decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437", "utf-16"])
@pytest.mark.parametrize("format_", FORMATS)
def test_a_terminal_that_lacks_characters(encoding: str, format_: str) -> None:
    args = ("estimate", "--model", "bert-base", "--hw", "v100:8", "--region", "FRA", "--format", format_)
    assert _on_a_terminal(encoding, *args)[0] == 0
    code, out = _on_a_terminal(encoding, "models", "show", "bert-base", "--format", "json")
    assert code == 0
    assert json.loads(out)["schema"] == "footprint/catalogue/1"
    assert _on_a_terminal(encoding, "estimate", "--model", "日本語—\udcff", "--hw", "💻:8")[0] == 2


def test_a_program_of_its_own_in_an_old_locale() -> None:
    env = {
        **os.environ,
        "LC_ALL": "C",
        "LANG": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "ascii",
    }
    for args, code in ((("regions", "list"), 0), (("estimate", "--model", "bért", "--hw", "v100:8"), 2)):
        done = subprocess.run(
            [sys.executable, "-m", "footprint", *args], env=env, capture_output=True, check=False
        )
        assert done.returncode == code, done.stderr
        (done.stdout + done.stderr).decode("ascii")
