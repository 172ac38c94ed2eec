"""Files of an estimate: the page runs the command itself, so that both write the same bytes."""

from __future__ import annotations

import io
import shlex
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import click

from footprint.cli.page.questions import arguments_of, checked_text, fields_in, request_of
from footprint.errors import FootprintError

SCENARIO = "scenario.toml"
ESTIMATE = "estimate.json"
CARD = "README.md"
PAPER = {
    "sentence": ("sentence with citations (LaTeX)", ".tex"), "latex": ("table (LaTeX)", ".tex"),
    "bibtex": ("every source (BibTeX)", ".bib"), "checklist": ("NeurIPS' item on compute (LaTeX)", ".tex"),
    "markdown": ("table for a README (Markdown)", ".md"), "badge": ("badge (JSON)", ".json"),
}  # fmt: skip
"""The parts of ``footprint paper``: what they are, and the ending of their file."""


def export_menu() -> list[dict[str, str]]:
    """Every format of an estimate, every published format, and the scenario: name, kind and title."""
    from footprint.reports.exports import export_names, find_export
    from footprint.reports.formats import format_names

    return [
        *({"name": name, "group": "The answer", "title": name} for name in format_names("estimate")),
        {"name": SCENARIO, "group": "The answer", "title": "scenario (TOML)"},
        *(
            {"name": f"paper-{part}", "group": "For a paper or a card", "title": title}
            for part, (title, _) in PAPER.items()
        ),
        {"name": "card", "group": "For a paper or a card", "title": "model card of the Hub (Markdown)"},
        *(
            {
                "name": name,
                "group": "After a published format",
                "title": f"{name}: {find_export(name).STANDARD}",
            }
            for name in export_names()
        ),
    ]


def exported(question: Mapping[str, Any]) -> dict[str, Any]:
    """A file of the estimate: its name, its text, the command that writes it, what is left to fill in."""
    from footprint.reports.exports import export_names, find_export
    from footprint.reports.formats import find_format, format_names

    fields = fields_in(question)
    request_of(fields)  # what is wrong with the fields is said before anything is run
    options = arguments_of(fields)
    name = checked_text(question.get("format", ""), "the format")
    if name == SCENARIO:
        args = ["estimate", *options, "--save", SCENARIO]
        _, said = _run(args)
        return _file(SCENARIO, _taken(SCENARIO), [args], said)
    if name in export_names():
        second = ["export", ESTIMATE, "--format", name]
        return _of_the_record(f"{name}{find_export(name).ENDING}", options, second)
    part = name.removeprefix("paper-")
    if name != part and part in PAPER:
        return _of_the_record(f"{name}{PAPER[part][1]}", options, ["paper", ESTIMATE, "--part", part])
    if name == "card":
        Path(CARD).write_text("", encoding="utf-8")  # the card of a model that has none yet
        try:
            return _of_the_record(CARD, options, ["card", CARD, "--run", ESTIMATE, "-o", "-"])
        finally:
            Path(CARD).unlink()
    if name not in format_names("estimate"):
        raise FootprintError("this is no format of the page: choose one of its list")
    args = ["estimate", *options, "--format", name]
    text, said = _run(args)
    return _file(f"estimate{find_format(name, 'estimate').ENDING}", text, [args], said)


def _of_the_record(name: str, options: Sequence[str], second: list[str]) -> dict[str, Any]:
    """A file that a second command makes of the estimate's JSON."""
    first = ["estimate", *options, "-o", ESTIMATE]
    _run(first)
    try:
        text, said = _run(second)
    finally:
        Path(ESTIMATE).unlink(missing_ok=True)
    return _file(name, text, [first, second], said)


def _file(name: str, text: str, commands: Sequence[Sequence[str]], said: str) -> dict[str, Any]:
    left = [line.removeprefix("footprint: ") for line in said.splitlines() if "left for you" in line]
    shown = " && ".join(shlex.join(["footprint", *args]) for args in commands)
    return {"name": name, "text": text, "command": shown, "left": left}


def _run(args: list[str]) -> tuple[str, str]:
    """What a command writes on standard output and on standard error."""
    from footprint.cli import group

    if args[0] == "estimate":
        args = [*args, "--ignore-defaults"]  # the page has no user, whose defaults it could name
    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            group.main(args=args, prog_name="footprint", standalone_mode=False)
    except click.ClickException as error:
        raise FootprintError(error.format_message()) from None
    except ImportError as error:
        raise FootprintError(
            f"this file needs {error.name}, which a browser does not have; in a terminal: "
            f"{shlex.join(['footprint', *args])}"
        ) from None
    return out.getvalue(), err.getvalue()


def _taken(name: str) -> str:
    """The text of a file that a command wrote, which is then removed."""
    file = Path(name)
    text = file.read_text(encoding="utf-8")
    file.unlink()
    return text
