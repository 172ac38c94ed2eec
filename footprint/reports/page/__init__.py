"""One self-contained page of an answer: HTML with its style, its drawings and one small script inside.

Nothing is loaded from anywhere, and the page's own policy forbids it: of scripts it allows the one whose
digest it names, so that not even markup that slipped through could run.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from footprint.plain_text import in_line
from footprint.reports.page.parts import Page, Whole

_FOLDER = Path(__file__).parent


def render(page: Page) -> str:
    """The page as HTML."""
    import jinja2

    style, script = (_read(name) for name in ("page.css", "sort.js"))
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({"page": _read("page.html.j2")}),
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined,
        finalize=_one_line,
    )  # fmt: skip
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    made = environment.get_template("page").render(
        page=page, style=Whole(style), script=Whole(script), policy=Whole(policy)
    )
    return made + "\n"


def _one_line(value: Any) -> Any:
    """A text of an answer on one line, control characters as their escapes; jinja2 escapes it then."""
    return in_line(value) if type(value) is str else value


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
