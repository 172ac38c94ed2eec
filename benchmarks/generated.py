"""Pages of documentation that a program writes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path


def print_or_write(description: str | None, path: Path, page: Callable[[], str]) -> None:
    """Print a page, or write it to its file with ``--write``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--write", action="store_true", help=f"write docs/{path.name}")
    if parser.parse_args().write:
        path.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
