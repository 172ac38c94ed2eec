"""The page in use: typing, a config, a misspelt name, a link, files, no network."""

from __future__ import annotations

import datetime
import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from footprint.cli.page.exports import export_menu
from footprint.cli.page.server import serving
from footprint.reports.formats import format_names
from tests.browser.conftest import STARTED_MS, WAIT_MS, answered
from tests.conftest import Footprint

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("from_the_start")]
CONFIG = {
    "model_type": "llama", "hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 8,
    "num_attention_heads": 8, "vocab_size": 32000,
}  # fmt: skip


def estimate_of(footprint: Footprint, *arguments: str) -> Any:
    return json.loads(footprint("estimate", *arguments, "--format", "json").stdout)


def test_typing_gives_the_numbers_of_the_command(page: Any, footprint: Footprint) -> None:
    page.fill("#model", "llama2-7b")
    page.fill("#chip", "h100")
    page.fill("#count", "256")
    page.fill("#field-region", "FRA")
    answered(page, "footprint estimate --model llama2-7b --hw h100:256 --region FRA")
    text = footprint("estimate", "--model", "llama2-7b", "--hw", "h100:256", "--region", "FRA").stdout
    for key, label in (
        ("energy_kwh", "energy (facility)"),
        ("co2e_kg", "operational CO2e"),
        ("cost_usd", "cost"),
    ):
        shown = page.text_content(f"#mid-{key}")
        assert re.search(rf"^ +{re.escape(label)} +{re.escape(shown)} ", text, re.MULTILINE), (label, shown)


def test_a_misspelt_name_offers_the_nearest_and_takes_it(page: Any) -> None:
    page.fill("#model", "brt-base")
    page.wait_for_selector("#trouble button", timeout=WAIT_MS)
    said = page.text_content("#trouble")
    assert said.lower().count("did you mean") == 1  # the message leaves the names to the buttons
    page.click("#trouble button:text-is('bert-base')", timeout=WAIT_MS)
    assert page.evaluate("() => document.activeElement.id") == "model"  # one types on where one was
    answered(page, "footprint estimate --model bert-base --hw v100:8")
    assert page.text_content("#trouble") == ""


def test_an_assumption_is_replaced_where_it_stands(page: Any) -> None:
    page.fill("#assumed-pue", "1.1")
    answered(page, "footprint estimate --model bert-base --hw v100:8 --pue 1.1")
    assert page.input_value("#field-pue") == "1.1"


def test_a_config_is_taken_from_a_file_and_its_link_restores_everything(
    page: Any, footprint: Footprint, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    page.set_input_files("#file", folder / "config.json")
    page.fill("#field-tokens", "2B")
    command = "footprint estimate --model config.json --hw v100:8 --tokens 2B"
    answered(page, command)
    expected = estimate_of(
        footprint, "--model", str(folder / "config.json"), "--hw", "v100:8", "--tokens", "2B"
    )
    assert page.evaluate("() => window.footprint.state.fields.tokens") == "2B"
    first = page.text_content("#headline")
    link = page.evaluate("() => window.footprint.state.link()")
    other = page.context.new_page()
    other.goto(link)
    other.wait_for_selector("body[data-ready]", timeout=STARTED_MS)
    answered(other, command)
    assert other.text_content("#headline") == first
    assert expected["model"]["name"] in first
    other.close()


def test_a_config_is_dropped_and_typed(page: Any, footprint: Footprint, tmp_path: Path) -> None:
    """A real drop anywhere on the page; then a change of the text that it left in the form."""
    page.fill("#field-tokens", "2B")
    page.evaluate(
        """(content) => {
          const carried = new DataTransfer();
          carried.items.add(new File([content], "config.json"));
          for (const kind of ["dragover", "drop"]) {
            const event = new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true });
            document.getElementById("answer").dispatchEvent(event);
          }
        }""",
        json.dumps(CONFIG),
    )
    command = "footprint estimate --model config.json --hw v100:8 --tokens 2B"
    answered(page, command)
    energy = []
    for layers in (8, 16):
        text = json.dumps({**CONFIG, "num_hidden_layers": layers})
        if layers != 8:
            page.focus("#config")
            page.keyboard.press("Control+A")
            page.keyboard.insert_text(text)
            page.wait_for_function(
                "(was) => document.getElementById('mid-energy_kwh').textContent !== was", arg=energy[0]
            )
        (tmp_path / "config.json").write_text(text, encoding="utf-8")
        said = footprint(
            "estimate", "--model", str(tmp_path / "config.json"), "--hw", "v100:8", "--tokens", "2B"
        )
        energy.append(page.text_content("#mid-energy_kwh"))
        assert re.search(rf"^ +energy \(facility\) +{re.escape(energy[-1])} ", said.stdout, re.MULTILINE)
    assert energy[0] != energy[1]


@pytest.mark.parametrize("name", [one["name"] for one in export_menu()])
def test_a_file_is_what_the_command_writes(
    page: Any, footprint: Footprint, tmp_path: Path, name: str
) -> None:
    today = {"FOOTPRINT_TODAY": datetime.datetime.now(datetime.UTC).date().isoformat()}
    page.select_option("#format", name)
    with page.expect_download(timeout=WAIT_MS) as waiting:
        page.click("#save")
    got = Path(waiting.value.path()).read_text(encoding="utf-8")
    scenario = ["estimate", "--model", "bert-base", "--hw", "v100:8"]
    if name == "scenario.toml":
        footprint(*scenario, "--save", name, environment=today)
        expected = (tmp_path / name).read_text(encoding="utf-8")
    elif name in format_names("estimate"):
        expected = footprint(*scenario, "--format", name, environment=today).stdout
    else:
        footprint(*scenario, "-o", "estimate.json", environment=today)
        (tmp_path / "README.md").write_text("", encoding="utf-8")
        second = ["export", "estimate.json", "--format", name]
        if name == "card":
            second = ["card", "README.md", "--run", "estimate.json", "-o", "-"]
        elif name.startswith("paper-"):
            second = ["paper", "estimate.json", "--part", name.removeprefix("paper-")]
        expected = footprint(*second, environment=today).stdout
    assert len(got) > 50
    assert timeless(got) == timeless(expected)


def timeless(text: str) -> str:
    """The text without its time, and without the ids that are made of it."""
    return re.sub(
        r"20\d\d-\d\d-\d\d[T ][\d:]+(\.\d+)?(Z|\+00:00)?|estimate-[0-9a-f]+|urn:\S+|[0-9a-f-]{36}", "", text
    )


def test_published_trainings_and_rules_stand_on_the_axes_of_the_estimate(page: Any) -> None:
    """The rule by hand: 6 N D over peak and MFU, with BERT's 110M parameters and the recipe's tokens."""
    page.wait_for_selector("#published .plane", timeout=WAIT_MS)
    tokens = 256 * (900_000 * 128 + 100_000 * 512)
    parameters, peak = 110e6, 125e12  # of the paper; of the V100's data sheet
    for mfu, shown in zip((0.3, 0.4, 0.5), page.locator("#published .rules tbody tr").all()[1:], strict=True):
        hours = 6 * parameters * tokens / (peak * mfu) / 3600
        text = shown.locator("td").first.text_content()
        assert float(text.removesuffix(" h").replace(",", "")) == pytest.approx(hours, rel=0.02)
    titles = [one.text_content() for one in page.locator("#published circle title").all()]
    assert len(titles) > 15
    assert not [one for one in titles if one.startswith("GPT-3 175B")]  # ten thousand times BERT's work
    assert "BERT base (uncased) (2018) on tpu-v2: 1,540 h" in titles  # 16 chips for four days
    own = page.locator("#published circle.own").bounding_box()
    line = page.locator("#published line.own").bounding_box()
    assert line["y"] < own["y"] + own["height"] / 2 < line["y"] + line["height"]


def test_hardware_places_and_a_budget_are_answered(page: Any, footprint: Footprint) -> None:
    page.wait_for_selector("#beside-hw tbody tr:nth-child(6)", timeout=WAIT_MS)
    page.wait_for_selector("#beside-region tbody tr:nth-child(6)", timeout=WAIT_MS)
    energy = estimate_of(footprint, "--model", "bert-base", "--hw", "h100:8")["energy_kwh"]["mid"]
    assert f"{energy:.1f} kWh" in page.text_content("#beside-hw")
    page.fill("#budget", "$10k")
    page.wait_for_selector(".bought", timeout=WAIT_MS)
    bought = page.text_content(".bought")
    assert bought in footprint("plan", "--budget", "$10k", "--hw", "v100:8").stdout.replace("\n", " ")
    assert page.locator("#planned table").count() >= 2
    page.fill("#budget", "")


def test_only_the_newest_of_many_changes_is_answered(page: Any, footprint: Footprint) -> None:
    """What is typed while an answer is computed replaces what waits, so the headline stays close behind."""
    asked = page.evaluate(
        """async () => {
          const { engine } = window.footprint;
          const fields = (count) => ({ model: "bert-base", hw: `v100:${count}` });
          const put = (count) => engine.put("export", { ask: "estimate", fields: fields(count) });
          return Promise.all([8, 16, 24, 32, 40, 48, 56].map(put));
        }"""
    )
    assert [reply is None for reply in asked] == [*[True] * 6, False]
    last = estimate_of(footprint, "--model", "bert-base", "--hw", "v100:56")
    assert asked[-1]["answer"]["record"]["cluster"] == last["cluster"]


def test_a_second_visit_needs_no_network(chromium: Any, address: str) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("body[data-ready]", timeout=STARTED_MS)
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    context.set_offline(True)
    page.reload()
    page.wait_for_selector("body[data-ready]", timeout=STARTED_MS)
    page.fill("#count", "16")
    answered(page, "footprint estimate --model bert-base --hw v100:16")
    context.close()


def test_the_installed_program_answers_the_same_page(chromium: Any, footprint: Footprint) -> None:
    with serving(0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        page = chromium.new_page()
        foreign: list[str] = []
        page.on(
            "request", lambda one: None if one.url.startswith(server.address) else foreign.append(one.url)
        )
        page.goto(server.address)
        page.wait_for_selector("body[data-ready]", timeout=WAIT_MS)
        page.fill("#chip", "a100")
        answered(page, "footprint estimate --model bert-base --hw a100:8")
        shown = page.text_content("#mid-energy_kwh")
        assert page.text_content("#status") == "Computed on this machine"
        page.close()
        server.shutdown()
        thread.join()
    assert shown in footprint("estimate", "--model", "bert-base", "--hw", "a100:8").stdout
    assert not foreign
