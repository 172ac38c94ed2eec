"""The page to publish before a project says what the CSV says, and a stranger's markup is text on it."""

from __future__ import annotations

import csv
from html.parser import HTMLParser
from pathlib import Path

import pytest

import footprint
from footprint.reports.decisions.preregistration import page
from footprint.reports.page.project_page import project_page
from tests.cli.run import footprint as command_line
from tests.conftest import ROOT

SMALL = ROOT / "tests" / "projects" / "small.toml"


class Tables(HTMLParser):
    """The headings, the tables by caption, and what a page loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.titles: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.loaded: list[str] = []
        self.tags: set[str] = set()
        self._caption, self._tag = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._tag = tag
        self.loaded += [
            f"{tag} {value}" for name, value in attrs if name in ("src", "href", "srcset", "data")
        ]
        self.loaded += [name for name, _ in attrs if name.startswith("on")]
        if tag == "tr" and self._caption:
            self.tables[self._caption].append([])
        if tag == "td":
            self.tables[self._caption][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""
        if tag == "thead":
            self.tables[self._caption].clear()

    def handle_data(self, data: str) -> None:
        if self._tag == "h2":
            self.titles.append(data)
        elif self._tag == "caption":
            self._caption = data
            self.tables[data] = []
        elif self._tag == "td":
            self.tables[self._caption][-1][-1] += data


def test_the_page_to_publish(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    assert command_line("project", str(SMALL), "--preregister", str(page), "--quiet").code == 0
    text = page.read_text()
    for title in (
        "What will be trained",
        "Why",
        "What it will cost",
        "Alternatives weighed",
        "lower the cost",
    ):
        assert title in text
    total = footprint.project(SMALL).total
    assert f"{total.energy_kwh.mid / 1000:.2f} MWh of energy (" in text
    for said in (
        "No open model reads our language well.",
        "the weights are published",
        "a100:64",
        "ablations",
    ):
        assert said in text
    assert command_line("project", str(SMALL), "--preregister", str(page)).code == 2
    assert command_line("project", str(SMALL), "--preregister", str(tmp_path / "page.docx")).code == 2


def test_the_page_to_publish_as_html(tmp_path: Path) -> None:
    """Read by the standard library's parser: its table is the CSV's, and nothing is loaded."""
    page, rows = tmp_path / "page.html", tmp_path / "rows.csv"
    assert command_line("project", str(SMALL), "--preregister", str(page), "-o", str(rows)).code == 0
    found = Tables(page.read_text())
    assert not found.loaded
    assert found.titles == [
        "What will be trained", "Why", "What it will cost", "Alternatives weighed",
        "What is done to lower the cost", "Warnings",
    ]  # fmt: skip
    costs = found.tables["What each run and all together will cost"]
    with rows.open() as file:
        lines = [line for line in csv.DictReader(file) if line["name"]]
    assert len(costs) == len(lines) == 6
    to_kwh = {"Wh": 1e-3, "kWh": 1.0, "MWh": 1e3}
    for cells, line in zip(costs, lines, strict=True):
        value, unit = cells[3].split()
        assert float(value.replace(",", "")) * to_kwh[unit] == pytest.approx(
            float(line["energy_kwh_mid"]), rel=0.006
        )  # three figures
    assert found.tables["Each alternative"][1][0].endswith("a100:64")
    assert found.tables["Over row 1, with what the two share cancelled"][0][0] == "2. a100:64"
    assert command_line("project", str(SMALL), "--preregister", str(page)).code == 2


def test_markup_of_a_stranger_is_text_on_the_page(tmp_path: Path) -> None:
    file, page = tmp_path / "p.toml", tmp_path / "p.md"
    file.write_text('name = "<script>x</script> [a](http://b)"\n[[runs]]\nname = "\\u001b[31mred|`x`"\n'
                    'model = "bert-base"\nhw = "v100:8"\n')  # fmt: skip
    html = tmp_path / "p.html"
    assert command_line("project", str(file), "--preregister", str(html)).code == 0
    found = Tables(html.read_text())
    assert html.read_text().count("<script>") == 1  # the page's own, which sorts tables
    assert not found.loaded
    assert not found.tags & {"img", "a", "iframe", "link", "b"}
    assert found.tables["The runs"][0][0] == "\\u001b[31mred|`x`"
    done = command_line("project", str(file), "--preregister", str(page))
    assert done.code == 0
    for text in (page.read_text(), done.out, command_line("project", str(file), "--format", "markdown").out):
        assert "\x1b" not in text
    assert "<script>" not in page.read_text()


def test_the_page_says_what_its_numbers_rest_on(tmp_path: Path) -> None:
    """A reviewer can compute the CO2e of a run from its energy: the factors are those of its estimate."""
    run = {"model": "bert-base", "hw": "v100:8", "region": "POL", "pue": 1.25}
    served = {
        "model": "llama3.1-8b",
        "hw": "h100:1",
        "prompt_tokens": 512,
        "output_tokens": 64,
        "requests": 1e6,
    }
    runs = [{"name": "training", **run}, {"name": "serving", "region": "FRA", **served}]
    project = footprint.project({"runs": runs})
    one = footprint.estimate(**run)
    for row in project.rows:
        assert row.grounds is not None
        assert row.grounds.grid_g_per_kwh is not None
        assert row.co2e_kg is not None
        factor = row.grounds.grid_g_per_kwh.mid / 1000
        assert row.co2e_kg.mid == pytest.approx(row.energy_kwh.mid * factor)
    assert project.rows[0].grounds.grid_g_per_kwh.mid == one.grid_g_per_kwh.mid
    said = ["training", "Poland, 2025", "591 (440 - 790)", "1.25"]
    markdown = page(project)
    assert f"| {' | '.join(said)} |" in markdown
    assert "making the hardware" in markdown
    rows = Tables(project_page(project)).tables["What the numbers rest on"]
    assert [row[:4] for row in rows[:1]] == [said]
    assert len(rows) == 2
