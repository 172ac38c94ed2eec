"""One question of the page as JSON text in, one answer as JSON text out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from footprint.cli.page.questions import CONFIG, MOST_QUESTION_BYTES, config_in
from footprint.errors import FootprintError
from footprint.spelling import on_command_line

Question = Mapping[str, Any]


def answer(text: str) -> str:
    """The answer to a question; an error is an answer too, with its message and the nearest names.

    A question is an object with the key ``ask`` (a key of `_ASKED`), the ``fields`` of a scenario as texts,
    and ``config``, a pasted model. It leaves nothing behind.
    """
    try:
        return json.dumps({"answer": _answered(text)}, allow_nan=False)
    except FootprintError as error:
        return json.dumps(
            {
                "error": on_command_line(str(error)),
                "fields": list(error.fields),
                "nearest": list(getattr(error, "nearest", ())),
                "kind": getattr(error, "kind", ""),
            }
        )


def _answered(text: str) -> Any:
    if len(text) > MOST_QUESTION_BYTES:
        raise FootprintError(f"a question of more than {MOST_QUESTION_BYTES // 2**20} MiB is not read")
    try:
        question = json.loads(text)
    except (ValueError, RecursionError):
        raise FootprintError("a question of the page is JSON") from None
    asked = question.get("ask") if isinstance(question, dict) else None
    if not isinstance(asked, str) or asked not in _ASKED:
        raise FootprintError(f"a question of the page asks one of {', '.join(_ASKED)}")
    with _config_beside(config_in(question)):
        return _ASKED[asked](question)


@contextmanager
def _config_beside(config: str | None) -> Iterator[None]:
    """The pasted config as a file of the working folder, as long as one question is answered."""
    if config is None:
        yield
        return
    file = Path(CONFIG)
    file.write_text(config, encoding="utf-8", errors="replace")
    try:
        yield
    finally:
        file.unlink()


def _estimate(question: Question) -> Any:
    from footprint.cli.page.estimates import estimated

    return estimated(question)


def _beside(question: Question) -> Any:
    from footprint.cli.page.decisions import beside

    return beside(question)


def _plan(question: Question) -> Any:
    from footprint.cli.page.decisions import planned

    return planned(question)


def _export(question: Question) -> Any:
    from footprint.cli.page.exports import exported

    return exported(question)


_ASKED: dict[str, Callable[[Question], Any]] = {
    "estimate": _estimate, "beside": _beside, "plan": _plan, "export": _export,
}  # fmt: skip
