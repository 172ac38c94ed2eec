"""Lines of a text, against the standard library's."""

from __future__ import annotations

import shlex
import subprocess
import textwrap

from hypothesis import given
from hypothesis import strategies as st

from footprint.results.human import folded, wrapped

WORDS = st.lists(st.text(alphabet="abc[-].,", min_size=1, max_size=30), min_size=1, max_size=30)


@given(WORDS, st.integers(10, 80))
def test_breaks_where_textwrap_breaks(words: list[str], width: int) -> None:
    text = " ".join(words)
    wanted = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    assert wrapped(text, width) == wanted


@given(WORDS, st.integers(10, 80))
def test_a_long_word_is_broken_after_the_characters_that_allow_it(words: list[str], width: int) -> None:
    lines = wrapped(" ".join(words), width, break_after="-,")
    assert "".join(lines).replace(" ", "") == "".join(words)
    for line in lines:
        # What is too long has no place to break but its end.
        assert len(line) <= width or not set(line[:width]) & {"-", ","}
    if max(map(len, words)) <= width:
        assert lines == wrapped(" ".join(words), width)


def test_blanks_within_a_line_stay() -> None:
    assert wrapped("a = 1  [--b]", 40) == ["a = 1  [--b]"]
    assert wrapped("host power of something = 520 W  [--accelerator-power-w]", 40) == [
        "host power of something = 520 W",
        "[--accelerator-power-w]",
    ]


@given(st.text(alphabet="ab   \n", max_size=400), st.integers(20, 80))
def test_folding_loses_no_word_and_keeps_to_the_width(text: str, width: int) -> None:
    shown = folded(text, width)
    assert shown.split() == text.split()
    for line in shown.split("\n"):
        assert len(line) <= width or " " not in line.strip() or len(line) - len(line.lstrip()) > width - 20


def test_what_follows_a_long_word_is_folded_too() -> None:
    path, words = "/" + 70 * "x", "and so on " * 20
    lines = folded(f"{path} {words}", 60).split("\n")
    assert lines[0] == path
    assert all(len(line) <= 60 for line in lines[1:])


def test_a_quoted_path_in_a_folded_command_stays_whole() -> None:
    path = f"/home/{'x' * 60}/my own model.json"
    text = f"the user's file: footprint estimate --model '{path}' --hw h100:8 --tokens 10B --batch-size 512"
    said, command = folded(text, 80).split(": ")
    assert said == "the user's file"
    assert shlex.split(command.replace("\\\n", " ")) == [
        "footprint",
        "estimate",
        "--model",
        path,
        "--hw",
        "h100:8",
        "--tokens",
        "10B",
        "--batch-size",
        "512",
    ]


def test_a_folded_command_can_be_pasted() -> None:
    words = [
        "estimate",
        "--model",
        "baby-gpt",
        "--hw",
        "v100:1",
        "--steps",
        "5",
        "--anchor",
        "a-run-of-a-long-name",
    ]
    lines = folded(f"  to narrow later estimates: footprint {' '.join(words)}", 60)
    assert max(map(len, lines.split("\n"))) <= 60
    pasted = lines[lines.index("footprint") :]
    done = subprocess.run(
        ["sh", "-c", f"footprint() {{ printf '%s\\n' \"$@\"; }}; {pasted}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split("\n")[:-1] == words
