"""One place prints, and one place parses: no text and no file of a stranger gets round either."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

from tests.architecture.trees import PACKAGE, trees

PARSERS = {
    "catalog/checks/limits.py": "the place",
    "catalog/folder.py": "the index that we ship",
    "tracking/journal/codec.py": "journals, which have bounds and checksums of their own",
    "tracking/report/claim_file.py": "a mark beside a journal",
    "tracking/budget/stop_file.py": "a mark beside a journal",
    "cli/page/answers.py": "a question of the page, bounded in size",
    "cli/page/files.py": "our own answer, put into the page",
    "estimator/anchors/kept.py": "lines of at most 1,000 bytes on known anchors",
}
"""Where ``tomllib`` and ``json`` read a text."""
PRINTERS = {
    "cli/shared/say.py": "the place",
    "tracking/forecast/progress_line.py": "the line of progress, which holds numbers alone",
    "tracking/run/run.py": "what a tracked run says, escaped",
    "tracking/run/supervised_program.py": "a program that cannot be run, escaped",
    "catalog/upkeep/__main__.py": "a program for those who change the catalogue",
    "catalog/__main__.py": "a program for those who change the catalogue",
}
"""Where something is written to a terminal."""


def calls(tree: ast.AST) -> Iterator[str]:
    """Every call of a tree as it is written: ``json.loads``, ``sys.stderr.write``, ``print``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)
        elif isinstance(node, ast.ImportFrom) and node.module in ("json", "tomllib", "click"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@functools.cache
def called() -> dict[str, set[str]]:
    """The calls of every file of the package."""
    return {path.relative_to(PACKAGE).as_posix(): set(calls(tree)) for path, tree in trees().items()}


def where(*names: str) -> set[str]:
    return {path for path, found in called().items() if found & set(names)}


def test_files_are_parsed_within_bounds() -> None:
    found = where("json.load", "json.loads", "json.JSONDecoder", "tomllib.load", "tomllib.loads")
    assert found == set(PARSERS)


def test_what_is_printed_goes_through_one_place() -> None:
    found = where(
        "print", "click.echo", "click.secho", "click.echo_via_pager", "sys.stdout.write", "sys.stderr.write",
        "sys.stdout.buffer.write", "sys.stderr.buffer.write", "warnings.warn",
    )  # fmt: skip
    assert found == set(PRINTERS)


def test_the_check_itself_sees_a_call() -> None:
    tree = ast.parse("def f():\n    return [json.loads(x) for x in y]\nfrom json import load\n")
    assert {"json.loads", "json.load"} <= set(calls(tree))
