"""The page's door: what a stranger's question may and may not ask, and `footprint app` on loopback."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import footprint
from footprint.catalog import names
from footprint.cli.page.answers import answer
from footprint.cli.page.questions import MOST_QUESTION_BYTES
from footprint.cli.page.server import PageServer, serving
from tests.cli.run import footprint as run
from tests.conftest import ROOT

BERT = {"model": "bert-base", "hw": "v100:8"}


def ask(**question: Any) -> Any:
    return json.loads(answer(json.dumps({"ask": "estimate", **question})))


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_an_answer_is_the_estimate() -> None:
    found = ask(fields=BERT)["answer"]
    expected = footprint.estimate(**BERT).to_json()
    assert {**found["record"], "created_at": ""} == {**expected, "created_at": ""}
    assert found["command"] == "footprint estimate --model bert-base --hw v100:8"
    assert len(found["assumptions"]) == len(expected["assumptions"])


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "model.json", "hw": "v100:8"},
        {"model": "./", "hw": "v100:8"},
        {"model": "~/model.toml", "hw": "v100:8"},
        {"model": "org/unheard-of", "hw": "v100:8"},
        {"model": "config.json", "hw": "v100:8"},
        {"model": "bert-base", "hw": "chip.toml:8"},
        {"model": "bert-base", "hw": "./chip:8"},
        {**BERT, "anchor": "anchor.toml"},
        {**BERT, "force": "yes"},
        {**BERT, "name": "x" * 5000},
        {**BERT, "region": "FRA\x1b[2J"},
        {**BERT, "region": 5},
        {**BERT, "no_such": "1"},
    ],
    ids=str,
)
def test_no_question_names_a_file_or_more_than_a_line(fields: dict[str, Any], tmp_path: Path) -> None:
    for name in ("model.json", "config.json", "chip.toml", "anchor.toml"):
        os.mkfifo(tmp_path / name)  # to open one waits for ever
    reply = ask(fields=fields)
    assert set(reply) == {"error", "fields", "nearest", "kind"}
    assert len(reply["error"]) < 600


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"estimate"', '{"ask": 5}', '{"ask": "remove"}', "[" * 100_000,
     '{"ask": "estimate", "fields": []}', '{"ask": "estimate", "fields": {}, "config": 5}',
     '{"ask": "beside", "axis": "model", "values": ["a", "b"]}',
     '{"ask": "beside", "axis": "hw", "values": "ab"}',
     '{"ask": "export", "fields": {"model": "bert-base", "hw": "v100:8"}, "format": "../../x"}',
     '{"ask": "plan", "fields": {"hw": "h100:8"}, "budget": "\\u0000"}', " " * (MOST_QUESTION_BYTES + 1)],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_nonsense_is_refused_in_a_message(text: str) -> None:
    assert "error" in json.loads(answer(text))


def test_a_pasted_config_leaves_nothing_behind_and_is_not_remembered(tmp_path: Path) -> None:
    fields = {"model": "config.json", "hw": "v100:8", "tokens": "1B"}
    sizes = []
    for width in (256, 512):
        config = {"model_type": "llama", "hidden_size": width, "num_hidden_layers": 4, "vocab_size": 1000,
                  "num_attention_heads": 8, "intermediate_size": 1024}  # fmt: skip
        found = ask(fields=fields, config=json.dumps(config))["answer"]
        sizes.append(found["record"]["model"]["parameters"])
    assert sizes[0] < sizes[1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("question", [
    {"ask": "beside", "axis": "hw", "values": ["v100:8", "h100:8"], "fields": BERT},
    {"ask": "beside", "axis": "region", "values": ["FRA", "DEU"], "fields": BERT},
    {"ask": "plan", "budget": "$10k", "fields": BERT},
    {"ask": "export", "format": "markdown", "fields": BERT},
    {"ask": "export", "format": "eu-mdf", "fields": BERT},
])  # fmt: skip
def test_the_command_that_is_shown_prints_the_same(question: dict[str, Any], tmp_path: Path) -> None:
    import shlex

    found = ask(**question)["answer"]
    out = ""
    for command in found["command"].split(" && "):
        done = run(*shlex.split(command)[1:])
        assert done.code == 0, done.err
        out = done.out
    for row in found.get("rows", ()):
        assert row["energy_kwh"]["text"].split(" ")[0] in out
    if "title" in found:
        assert found["title"] in out.replace("\n", " ")
    if "text" in found and question["format"] == "markdown":
        assert found["text"].splitlines()[:-1] == out.splitlines()[:-1]  # the last line has the time


def test_near_names_are_found_without_compiled_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidfuzz", None)
    known = ["bert-base", "bert-large", "gpt2", "llama2-7b"]
    assert names.nearest("brt-base", known)[0] == "bert-base"
    assert names.nearest("lama2-7b", known)[0] == "llama2-7b"
    assert names.nearest("zzzz", known) == []


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    with serving(0) as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def reply(
    server: PageServer, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, bytes, Any]:
    line = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    line.request(method, path, body or None, named)
    answered = line.getresponse()
    found = answered.status, answered.read(), answered.headers
    line.close()
    return found


def test_the_server_gives_the_page_and_answers(server: PageServer) -> None:
    status, page, headers = reply(server, "GET", "/")
    assert (status, b"<title>footprint" in page) == (200, True)
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert json.loads(reply(server, "GET", "/data/settings.json")[1])["engine"] == "local"
    question = json.dumps({"ask": "estimate", "fields": BERT}).encode()
    status, text, _ = reply(server, "POST", "/answer", question, Content_Type="application/json")
    assert status == 200
    assert (
        json.loads(text)["answer"]["record"]["energy_kwh"] == footprint.estimate(**BERT).energy_kwh.to_json()
    )


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/%2e%2e/etc/passwd", "//etc/passwd", "/server.py", "/data/"]
)
def test_the_server_reads_no_file_that_a_request_names(server: PageServer, path: str) -> None:
    assert reply(server, "GET", path)[0] == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/json", "Origin": "https://example.org"}, 403),
        ({"Content_Type": "application/json", "Host": "example.org"}, 403),
        ({"Content_Type": "application/json", "Content_Length": "99999999999"}, 413),
        ({"Content_Type": "application/json", "Content_Length": "-1"}, 413),
    ],
    ids=str,
)
def test_the_server_answers_its_own_page_alone(
    server: PageServer, headers: dict[str, str], status: int
) -> None:
    assert reply(server, "POST", "/answer", b"{}", **headers)[0] == status


def test_the_command_prints_its_address_and_stops(tmp_path: Path) -> None:
    import signal

    program = subprocess.Popen(
        [sys.executable, "-m", "footprint", "app", "--no-browser"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert program.stdout is not None
    assert program.stdout.readline().startswith("http://127.0.0.1:")
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=30)
    assert (program.returncode, out, err) == (0, "", "footprint: stopped\n")
    assert list(tmp_path.iterdir()) == []
