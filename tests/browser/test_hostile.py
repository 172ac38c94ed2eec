"""What strangers send: links with markup, files of nonsense, a browser without WebAssembly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from footprint.estimator.request import FIELDS
from tests.browser.conftest import STARTED_MS, WAIT_MS

pytestmark = pytest.mark.slow
MARKUP = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>\'"javascript:window.hit=1'


@pytest.fixture
def tab(page: Any) -> Iterator[Any]:
    """Another page of the same browser."""
    opened = page.context.new_page()
    yield opened
    opened.close()


def nothing_ran(page: Any) -> bool:
    return bool(
        page.evaluate("() => window.hit === undefined && !document.querySelector('body img, body script')")
    )


def test_a_link_with_markup_in_every_field_is_text(tab: Any, address: str) -> None:
    fragment = "&".join(f"{name}={quote(MARKUP)}" for name in [*FIELDS, "no-such-field", "config"])
    tab.goto(f"{address}#{fragment}")
    tab.wait_for_selector("#trouble p", timeout=STARTED_MS)
    tab.wait_for_selector("body[data-ready]", timeout=STARTED_MS)
    assert nothing_ran(tab)
    assert tab.input_value("#chip").startswith("<img src=x")
    message = tab.text_content("#trouble")
    assert message
    assert "our own fault" not in message.lower()


@pytest.mark.parametrize(
    "fragment", ["x" * 40_000, "hw=" + "v" * 400, "tokens=5", "%ff%fe", "hw=%00", "config=%7B"]
)
def test_a_broken_link_leaves_a_page_that_works(tab: Any, address: str, fragment: str) -> None:
    tab.goto(f"{address}#{fragment}")
    tab.wait_for_selector("#headline strong, #trouble p", timeout=WAIT_MS)
    assert nothing_ran(tab)


def test_each_field_with_markup_is_refused_by_name_or_kind(page: Any) -> None:
    for name in FIELDS:
        fields = {"model": "bert-base", "hw": "v100:8", name: MARKUP}
        reply = page.evaluate("(q) => window.footprint.engine.ask(q)", {"ask": "estimate", "fields": fields})
        if "error" in reply:
            assert "our own fault" not in reply["error"].lower(), (name, reply)
    assert nothing_ran(page)


def drop(page: Any, script: str) -> str:
    """Drop a file that a script makes, and return what the page says."""
    page.evaluate(
        f"""() => {{
          document.getElementById("trouble").replaceChildren();
          const carried = new DataTransfer(), file = {script};
          Object.defineProperty(carried, "files", {{ value: [file] }});
          document.dispatchEvent(new DragEvent("drop", {{ dataTransfer: carried, bubbles: true }}));
        }}"""
    )
    page.wait_for_selector("#trouble p", timeout=WAIT_MS)
    return str(page.text_content("#trouble"))


def test_a_file_of_a_gigabyte_is_not_read(page: Any) -> None:
    said = drop(page, '{ name: "model.safetensors", size: 1e9, text: () => { window.hit = 1; } }')
    assert "1,000 MB" in said
    assert "not read" in said
    assert nothing_ran(page)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("\\u0000\\u0001nonsense", "no JSON"),
        ("", "empty"),
        ("[1, 2]", "JSON object"),
        ('{"a": 1}', "model_type"),
        ('{"model_type": "<b>x</b>"}', "unknown model_type"),
        ('{"model_type": "llama", "hidden_size": 1e300}', ""),
        ("{" + '"a":{' * 900 + "}" * 901, ""),
    ],
)
def test_a_file_of_nonsense_is_a_message(page: Any, content: str, said: str) -> None:
    message = drop(page, f'new File([{json.dumps(content)}], "config.json")')
    assert said in message
    assert "our own fault" not in message.lower()
    assert nothing_ran(page)
    page.evaluate("() => window.footprint.state.set({ model: 'bert-base' })")


def test_the_policy_stops_what_would_get_in(tab: Any, address: str) -> None:
    """Should markup once become elements, its script would not run, and nothing would be sent."""
    tab.goto(address)
    stopped = tab.evaluate(
        """async () => {
          const stopped = new Set();
          const note = (event) => stopped.add(event.effectiveDirective);
          document.addEventListener("securitypolicyviolation", note);
          const script = document.createElement("script");
          script.textContent = "window.hit = 1";
          const handler = document.createElement("p");
          handler.setAttribute("onclick", "window.hit = 1");
          const frame = document.createElement("iframe");
          frame.src = "https://elsewhere.invalid/";
          document.body.append(script, handler, frame);
          handler.click();
          await fetch("https://elsewhere.invalid/").catch(() => {});
          setTimeout("window.hit = 1", 0);
          // On a busy machine the frame's event comes late.
          for (let waited = 0; stopped.size < 5 && waited < 30000; waited += 100)
            await new Promise((done) => setTimeout(done, 100));
          return [...stopped].sort();
        }"""
    )
    assert stopped == ["connect-src", "frame-src", "script-src", "script-src-attr", "script-src-elem"]
    assert tab.evaluate("() => window.hit === undefined")


def test_a_browser_without_webassembly_is_told(chromium: Any, address: str) -> None:
    context = chromium.new_context()
    context.add_init_script("delete globalThis.WebAssembly;")
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#trouble p", timeout=WAIT_MS)
    assert "WebAssembly" in page.text_content("#trouble")
    assert page.text_content("#mid-energy_kwh")  # the answer that came with the page
    assert page.text_content("#status") == "Stopped"
    context.close()


def test_a_lost_file_of_the_page_is_told(chromium: Any, address: str) -> None:
    context = chromium.new_context(service_workers="block")
    page = context.new_page()
    page.route("**/packages.zip.xz", lambda route: route.fulfill(status=404))
    page.goto(address)
    page.wait_for_selector("#trouble p", timeout=STARTED_MS)
    assert "could not be started" in page.text_content("#trouble")
    context.close()


def test_the_folder_of_the_page_holds_no_markup_in_scripts(site: Path) -> None:
    for script in site.glob("*.mjs"):
        text = script.read_text(encoding="utf-8")
        for way in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
        ):
            assert way not in text, script.name
