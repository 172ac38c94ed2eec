"""Messages that name options of the command line, in the spelling of Python."""

from __future__ import annotations

import re


def in_python(text: str) -> str:
    """A message with keywords, such as `batch_size`, where it has options of the command line."""
    return re.sub(r"--([a-z][a-z-]*)", lambda match: match[1].replace("-", "_"), text)
