"""Text of strangers made harmless: against a terminal's control characters and a renderer of Markdown."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata

import pytest
from markdown_it import MarkdownIt

from footprint.plain_text import escaped, fenced, in_line, in_markdown
from footprint.results.rows import csv_text

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HARMFUL = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode's classes of controls, marks of direction, halves of pairs, unknown characters, line ends."""


@pytest.mark.parametrize("plane", range(17))
def test_no_harmful_character_of_unicode_is_left(plane: int) -> None:
    """By Unicode's own table, for all its characters; JSON reads the same text back."""
    text = "".join(map(chr, range(plane << 16, (plane + 1) << 16)))
    shown = escaped(text)
    left = {char for char in shown if unicodedata.category(char) in HARMFUL}
    assert left <= {"\n"}
    kept = [char for char in text if unicodedata.category(char)[0] in "LMNPS" or char in " \xa0\u3000"]
    assert not set(kept) - set(shown)


def test_an_escape_is_that_of_json() -> None:
    text = "\x1b]52;c;eA==\x07 \x1b[2J \x9b \u202e \u2066 \ufeff \ud800 \U000e0041"
    assert json.loads(f'"{escaped(text)}"') == text


def test_a_line_has_no_end() -> None:
    assert in_line("a\nfootprint: b\r\n\tc\x0bd\x85e\u2028f") == "a footprint: b c d e f"
    assert escaped("a\nb") == "a\nb"
    assert in_line("800 mm² × 3 µW, 日本語, עברית") == "800 mm² × 3 µW, 日本語, עברית"


MARKUP = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "![x](http://a.b/c)",
    "<http://a.b>", "http://a.b/c", "www.a.b", "a@b.org", "`x`", "**x**", "_x_", "__x__", "~~x~~", "a | b",
    "&lt;b&gt;", "\\<b>", "\\[x](y)", "x\n\n# y", "[x]: http://a.b", "[x][y]", "| a |\n|---|", "--- | ---",
    "\\|",
)  # fmt: skip


@pytest.mark.parametrize("text", MARKUP)
def test_no_markup_is_left_for_a_renderer(text: str) -> None:
    """A renderer of GitHub's Markdown shows the text itself: one cell, no element, no link, no code."""
    table = f"| name | value |\n|---|---|\n| {in_markdown(text)} | 7 |\n"
    tokens = RENDERER.parse(table)
    cells = [token for token in tokens if token.type == "inline"]
    assert len(cells) == 4
    parts = cells[2].children or []
    assert {part.type for part in parts} <= {"text", "text_special"}
    # GitHub also makes links of bare addresses.
    assert not re.search(r"https?:|www\.|(?<!\\)@", in_markdown(text))
    assert "".join(part.content for part in parts) == " ".join(text.split())


@pytest.mark.parametrize("text", ["a\n```\n<b>\n```\n", "````\n# x", "~~~\n<script>", "x"])
def test_nothing_closes_a_block_of_code(text: str) -> None:
    (block,) = RENDERER.parse(fenced(text))
    assert block.type == "fence"
    assert block.content.rstrip("\n") == text.rstrip("\n")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\0=1"]
)
def test_no_cell_is_a_formula(text: str) -> None:
    _, row = csv.reader(io.StringIO(csv_text([{"name": text}], schema="x/1")))
    assert row[0].startswith("'")
    assert row[0].isprintable()
