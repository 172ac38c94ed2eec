"""Messages of the command line, as a program has to read them."""

from __future__ import annotations

import re


def in_python(text: str) -> str:
    """A message that speaks of options of the command line, in keywords."""
    return re.sub(r"--([a-z][a-z-]*)", lambda match: match[1].replace("-", "_"), text)
