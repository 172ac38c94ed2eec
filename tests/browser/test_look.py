"""The page as it is seen and reached: themes, a phone, messages, the keyboard, what axe-core says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import WAIT_MS, answered
from tests.conftest import Footprint

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("from_the_start")]


def test_the_documentation_is_beside_the_page_and_asks_nobody(chromium: Any, address: str, axe: str) -> None:
    context = chromium.new_context(service_workers="block")
    page = context.new_page()
    foreign: list[str] = []
    context.on("request", lambda one: None if one.url.startswith(address) else foreign.append(one.url))
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for name in ("index", "howto/engineer", "method", "reference/api"):
            page.goto(f"{address}docs/{name}.html")
            page.set_viewport_size({"width": 390, "height": 844})
            assert page.evaluate("() => document.documentElement.scrollWidth") <= 390, name
            page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate(axe)
    found = page.evaluate(  # the theme's own buttons are landmarks of one name
        """async () => (await axe.run('article', { rules: { 'landmark-unique': { enabled: false } } }))
          .violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' ')}`)"""
    )
    assert found == []
    page.goto(f"{address}docs/index.html")
    page.click("article a[href='../index.html']")
    page.wait_for_selector("#docs:not([hidden])")
    assert page.get_attribute("#docs", "href") == "docs/index.html"
    assert not foreign
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_accessible_and_fits(page: Any, axe: str, theme: str, width: int) -> None:
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 844})
    page.wait_for_selector("#published .plane", timeout=WAIT_MS)
    page.wait_for_selector("#beside-region tbody tr:nth-child(6)", timeout=WAIT_MS)
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.evaluate(axe)
    found = page.evaluate(
        """async () => (await axe.run()).violations.map((one) =>
          `${one.id}: ${one.nodes.map((node) => node.html).slice(0, 3).join(' ')}`)"""
    )
    assert found == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_message_is_in_sight_wherever_the_page_is_scrolled_to(
    page: Any, axe: str, theme: str, width: int
) -> None:
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 844})
    page.fill("#chip", "h1000")
    page.wait_for_selector("#trouble button", timeout=WAIT_MS)
    for scrolled in (0, 500, 2500):
        page.evaluate("(to) => scrollTo(0, to)", scrolled)
        box = page.locator("#trouble .trouble").bounding_box()
        assert 0 <= box["x"] <= width - box["width"], scrolled
        assert 0 <= box["y"] <= 844 - box["height"], scrolled
        at = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        assert page.evaluate("(at) => document.elementFromPoint(...at).closest('#trouble') !== null", at)
    page.evaluate("() => scrollTo(0, 0)")
    typed = page.locator("#chip").bounding_box()
    above = page.locator("#trouble .trouble").bounding_box()
    beside = above["x"] >= typed["x"] + typed["width"]
    assert beside or above["y"] + above["height"] <= typed["y"]  # what is typed is not covered
    page.evaluate(axe)
    found = page.evaluate("async () => (await axe.run('#trouble')).violations.map((one) => one.id)")
    assert found == []
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_the_answer_stays_in_sight_while_one_types(
    page: Any, footprint: Footprint, theme: str
) -> None:
    """The answer lies below the form: its four numbers stand above it, wherever the page is scrolled to."""
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": 390, "height": 844})
    page.fill("#model", "llama2-7b")
    page.fill("#chip", "h100")
    page.fill("#count", "256")
    answered(page, "footprint estimate --model llama2-7b --hw h100:256")
    text = footprint("estimate", "--model", "llama2-7b", "--hw", "h100:256").stdout
    for scrolled in (0, 400, 3000):
        page.evaluate("(to) => scrollTo(0, to)", scrolled)
        for key in ("duration_h", "energy_kwh", "co2e_kg", "cost_usd"):
            number = page.locator(f"#short-{key}")
            box = number.bounding_box()
            assert 0 <= box["y"] < 844 - box["height"], (key, scrolled)
            assert 0 <= box["x"] <= 390 - box["width"], (key, scrolled)
            assert number.text_content() == page.text_content(f"#mid-{key}")
            assert number.text_content() in text
            hit = page.evaluate(
                "([x, y]) => document.elementFromPoint(x, y).closest('#short') !== null",
                [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2],
            )
            assert hit, (key, scrolled)  # nothing lies upon it
    command = page.evaluate("() => document.body.dataset.answered")
    page.click("#short a")
    page.wait_for_function("() => document.activeElement.id === 'answer'")
    assert page.text_content("#trouble") == ""  # a place on the page is no scenario
    assert page.evaluate("() => document.body.dataset.answered") == command
    covered = page.locator("#short").bounding_box()
    assert page.locator("#headline").bounding_box()["y"] >= covered["y"] + covered["height"]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert not page.is_visible("#short")


def test_the_keyboard_reaches_the_answer_and_every_control(chromium: Any, address: str) -> None:
    page = chromium.new_page()
    page.goto(address)
    page.wait_for_selector("#model")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    seen = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("() => document.activeElement.id"))
    assert {"theme", "model", "chip", "count", "field-region", "field-tokens"} <= seen
    page.close()
