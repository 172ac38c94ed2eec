"""The files of the page: those of ``static/``, and the JSON that they read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STATIC = Path(__file__).with_name("static")
FIRST = {"model": "bert-base", "hw": "v100:8"}
"""The scenario with which the page opens; its answer is painted before anything is computed."""
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; "
    "style-src 'self'; img-src 'self' data:; manifest-src 'self'; base-uri 'none'; form-action 'none'"
)
"""What the page may load, as the header says it; ``index.html`` says the same for hosts without headers."""


def page_files(settings: Mapping[str, Any]) -> dict[str, bytes]:
    """Every file of the page by its name; ``settings`` say how answers are computed."""
    from footprint.cli.page.answers import answer
    from footprint.cli.page.catalogue import catalogue

    found = {path.name: path.read_bytes() for path in sorted(STATIC.iterdir()) if path.is_file()}
    first = json.loads(answer(json.dumps({"ask": "estimate", "fields": FIRST})))
    for name, data in (
        ("settings", settings), ("catalogue", catalogue()), ("first", {"fields": FIRST, **first}),
    ):  # fmt: skip
        found[f"data/{name}.json"] = json.dumps(data, separators=(",", ":")).encode()
    return found
