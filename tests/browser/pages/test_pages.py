"""The pages in a real Chromium: they render, sort, ask nobody for anything, and everybody can read them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("estimate", "report", "project")
VIEWS = [("light", 1180), ("dark", 1180), ("light", 390), ("dark", 390)]


@contextmanager
def shown(
    chromium: Any, path: Path, scheme: str = "light", width: int = 1180
) -> Iterator[tuple[Any, list[str]]]:
    """The page, and what its console and its requests said."""
    said: list[str] = []
    context = chromium.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=False
    )
    page = context.new_page()
    page.on("console", lambda message: said.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (said.append("a dialog opened"), dialog.dismiss()))
    page.on("request", lambda request: said.append(request.url))
    page.goto(path.as_uri())
    said.remove(path.as_uri())
    yield page, said
    context.close()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("scheme", "width"), VIEWS)
def test_it_renders_within_the_window_and_asks_nobody(
    chromium: Any, pages: dict[str, Path], name: str, scheme: str, width: int, tmp_path: Path
) -> None:
    with shown(chromium, pages[name], scheme, width) as (page, said):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator(".card").count() == 4
        for card in page.locator(".card .big").all():
            assert re.search(r"\d", card.inner_text())
        boxes = [box for svg in page.locator("svg").all() if (box := svg.bounding_box())]
        assert len(boxes) > 2
        assert all(box["width"] > 50 and box["height"] > 5 for box in boxes)
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
        page.screenshot(path=str(tmp_path / "page.png"), full_page=True)
        assert said == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [1180, 390])
def test_words_are_read_without_scrolling_and_apart(
    chromium: Any, pages: dict[str, Path], name: str, width: int
) -> None:
    """Lines of words end within the window, and no two words at the ticks of an axis cover each other."""
    with shown(chromium, pages[name], "light", width) as (page, _):
        page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
        wide = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.ariaLabel)"
        if width < 600:
            assert page.locator(".scroll:has(table.words)").evaluate_all(wide) == []
        covered = """all => all.flatMap(svg => {
            const ticks = [...svg.querySelectorAll('.tick')].map(
                one => [one.textContent, one.getBoundingClientRect()]);
            return ticks.flatMap(([a, p], i) => ticks.slice(i + 1).filter(([b, q]) => p.left < q.right &&
                q.left < p.right && p.top < q.bottom && q.top < p.bottom).map(([b]) => [a, b]));
        })"""
        assert page.locator("svg").evaluate_all(covered) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_strangers_name_is_text(chromium: Any, pages: dict[str, Path], name: str) -> None:
    with shown(chromium, pages[name]) as (page, said):
        page.wait_for_timeout(200)
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == 1
        text = page.locator("body").inner_text()
        assert "<img src=x onerror=alert(1)>" in text
        assert "\u202e" not in text
        assert "\x1b" not in text
        assert said == []


def test_the_policy_lets_no_other_script_run(chromium: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "changed.html"
    text = pages["report"].read_text(encoding="utf-8")
    path.write_text(
        text.replace("</main>", "<script>document.title = 'run'</script></main>"), encoding="utf-8"
    )
    with shown(chromium, path) as (page, said):
        assert page.title() != "run"
        assert any("Content Security Policy" in one for one in said)


def test_a_table_sorts_by_numbers_and_by_words(chromium: Any, pages: dict[str, Path]) -> None:
    with shown(chromium, pages["report"]) as (page, said):
        table = page.locator("section[aria-labelledby=runs] table")

        def column(heading: str) -> list[str]:
            place = [one.strip().rstrip("↕↓↑") for one in table.locator("th").all_inner_texts()].index(
                heading
            )
            cells = table.locator(f"tbody tr td:nth-child({place + 1})")
            return [str(cells.nth(i).get_attribute("data-key")) for i in range(cells.count())]

        def press(heading: str) -> str:
            button = table.get_by_role("button", name=heading, exact=True)
            button.focus()
            page.keyboard.press("Enter")
            return str(button.locator("xpath=..").get_attribute("aria-sort"))

        assert press("time") == "descending"
        falling = [float(key) for key in column("time") if key]
        assert falling == sorted(falling, reverse=True)
        assert press("time") == "ascending"
        rising = [float(key) for key in column("time") if key]
        assert rising == sorted(falling)
        assert press("model") == "descending"
        words = [key for key in column("model") if key]
        assert words == sorted(words, reverse=True)
        assert table.locator("th[aria-sort]").count() == 1
        assert said == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("scheme", "width"), [("light", 1180), ("dark", 1180), ("light", 390)])
def test_axe_finds_nothing(
    chromium: Any, pages: dict[str, Path], axe: str, name: str, scheme: str, width: int
) -> None:
    with shown(chromium, pages[name], scheme, width) as (page, _):
        page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
        page.evaluate(axe)
        found = page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))")
        assert found == []


def test_it_prints_on_pages(chromium: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    with shown(chromium, pages["estimate"], "dark") as (page, _):
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.pdf(path=str(tmp_path / "page.pdf"), format="A4")[:5] == b"%PDF-"
