"""The built documentation: links lead somewhere, nothing is loaded from elsewhere, no text is lost."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt

from tests.conftest import ROOT

CONFIG = tomllib.loads((ROOT / "site" / "zensical.toml").read_text(encoding="utf-8"))["project"]
WRITTEN = {"reference/api.md", "reference/data.md", "reference/formulas.md"}
FROM_THE_ROOT = {
    "introduction.md": "README.md", "changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md", "reference/sources.md": "reference_data/sources/README.md",
}  # fmt: skip
COUNTED = ("h1", "h2", "h3", "h4", "li", "pre", "table", "tr", "td", "img", "blockquote")
LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}


class Page(HTMLParser):
    """Ids, links and loaded files of a page, and how often each element stands in its article."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.counts: Counter[str] = Counter()
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.inside |= tag == "article"
        self.ids |= {value for name in ("id", "name") if (value := given.get(name))}
        if tag == "a" and given.get("href") is not None:
            self.links.append(str(given["href"]))
        if tag in LOADS and given.get(LOADS[tag]) and given.get("rel") not in ("canonical", "prev", "next"):
            self.loads.append(str(given[LOADS[tag]]))
        self.counts[tag] += self.inside

    def handle_endtag(self, tag: str) -> None:
        self.inside &= tag != "article"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation as its program builds it; the program stops at a link that leads nowhere."""
    out = tmp_path_factory.mktemp("documentation") / "out"
    program = [sys.executable, str(ROOT / "site" / "documentation.py"), str(out)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[str, Page]:
    return {
        path.relative_to(folder).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in folder.rglob("*.html")
    }


def in_navigation(entries: list[Any]) -> list[str]:
    found: list[str] = []
    for entry in entries:
        for target in entry.values() if isinstance(entry, dict) else [entry]:
            found += in_navigation(target) if isinstance(target, list) else [target]
    return found


def test_every_page_stands_in_the_navigation_once() -> None:
    docs = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    named = in_navigation(CONFIG["nav"])
    assert len(named) == len(set(named))
    expected = {
        name for name in docs if not re.fullmatch(r"decisions/(?!README).*|examples/(?!README).*", name)
    }
    assert set(named) == expected | WRITTEN | FROM_THE_ROOT.keys()


@pytest.mark.slow
def test_every_link_and_every_anchor_leads_somewhere(folder: Path, pages: dict[str, Page]) -> None:
    lost = []
    for name, page in pages.items():
        if name == "404.html":
            continue  # its links begin at the root of a host
        for link in page.links + page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (folder / name).parent / unquote(parts.path) if parts.path else folder / name
            target = target.resolve()
            key = target.relative_to(folder.resolve()).as_posix() if target.is_file() else ""
            if not key or (parts.fragment and key in pages and unquote(parts.fragment) not in pages[key].ids):
                lost.append((name, link))
    assert not lost
    assert sum(len(page.links) for page in pages.values()) > 5000


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(folder: Path, pages: dict[str, Page]) -> None:
    foreign = [
        (name, one) for name, page in pages.items() for one in page.loads if re.match(r"(?i)[a-z]+:|//", one)
    ]
    assert not [one for one in foreign if not one[1].startswith("data:")]
    for sheet in folder.rglob("*.css"):
        assert not re.findall(
            r"(?i)@import|url\(\s*['\"]?(?:https?:)?//", sheet.read_text(encoding="utf-8")
        ), sheet.name
    assert "fonts.g" not in (folder / "index.html").read_text(encoding="utf-8")


SOURCES = {
    **{path.relative_to(ROOT / "docs").as_posix(): path for path in (ROOT / "docs").rglob("*.md")},
    **{page: ROOT / source for page, source in FROM_THE_ROOT.items()},
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in sorted(SOURCES) if not re.match(r"examples/(?!README)", name)]
)
def test_a_page_has_the_lists_tables_and_blocks_of_its_text(name: str, pages: dict[str, Page]) -> None:
    """Read by another reader of Markdown, the one of the CommonMark standard with GitHub's tables."""
    text = SOURCES[name].read_text(encoding="utf-8")
    expected = Page("<article>" + MarkdownIt().enable("table").render(text) + "</article>").counts
    built = pages[name.replace("README.md", "index.md").removesuffix(".md") + ".html"].counts
    expected["h1"] = max(1, expected["h1"])  # a page without a title of its own is named by its file
    assert {tag: built[tag] for tag in COUNTED} == {tag: expected[tag] for tag in COUNTED}


@pytest.mark.slow
def test_the_reference_has_every_public_name_and_every_formula(folder: Path) -> None:
    import footprint
    from footprint import equations

    api = (folder / "reference" / "api.html").read_text(encoding="utf-8")
    assert not [
        name for name in footprint.__all__ if not name.startswith("__") and f"footprint.{name}<" not in api
    ]
    shown = (folder / "reference" / "formulas.html").read_text(encoding="utf-8")
    formulas = [
        name
        for name, one in vars(equations).items()
        if inspect.isfunction(one) and one.__module__ == equations.__name__
    ]
    assert len(formulas) > 20
    assert not [name for name in formulas if name != "formula" and f"<code>{name}</code>" not in shown]


@pytest.mark.slow
def test_every_source_is_on_the_page_of_data(folder: Path) -> None:
    from footprint.catalog.sources import all_sources

    shown = (folder / "reference" / "data.html").read_text(encoding="utf-8")
    assert not [key for key in all_sources() if f"<code>{key}</code>" not in shown]
