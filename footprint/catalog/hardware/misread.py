"""What is said of a cluster that cannot be read: how it is written, or which names are near."""

from __future__ import annotations

import re
from collections.abc import Callable

from footprint.catalog.hardware.find import KIND, compact, known_names, shipped_id
from footprint.catalog.names import unknown
from footprint.errors import FootprintError

HINT = "a cluster is NAME:COUNT, for example v100:8"
TIMES = "xX\N{MULTIPLICATION SIGN}"
_BREAKS = " *:,;/-_@" + TIMES


def is_digits(text: str) -> bool:
    """Whether a text is a whole number in ASCII."""
    return text.isascii() and text.isdigit()


def identity(name: str) -> str:
    """The id of a name, or the name itself for a user's own chip."""
    return shipped_id(name) or name


def misread(text: str, known: Callable[[str], bool]) -> FootprintError:
    """The error for an unreadable text: the correct form if it contains a known name, else near matches."""
    if text.strip().lower() == "auto":
        return FootprintError(f"{shown(text)} is for `footprint compare` and `footprint plan` alone; {HINT}")
    if re.fullmatch(r"[a-z]\w*\.(\d*x?large|metal[\w-]*)", text.strip().lower()):
        return FootprintError(
            f"{shown(text)} is a cloud's machine: name its accelerators and their number; {HINT}"
        )
    for at in range(len(text) - 1, 0, -1):
        if text[at] in _BREAKS and known(text[:at].strip()):
            return FootprintError(
                f"cannot read {shown(text)} as a cluster; write {_written(text[:at], text[at + 1 :])}"
            )
        if text[-at - 1] in _BREAKS and known(text[-at:].strip()):
            return FootprintError(
                f"cannot read {shown(text)} as a cluster; write {_written(text[-at:], text[: -at - 1])}"
            )
    if is_digits(text):
        return FootprintError(f"{shown(text)} is a count without a name; {HINT}")
    head, _, tail = text.rpartition(":")
    name = head if is_digits(tail.strip()) else text
    for at, letter in enumerate(name):
        if letter in TIMES and is_digits(name[at + 1 :].strip()):
            begin = compact(name[: at + 1])
            # The x of rtx9090 belongs to the name, as in rtx3090.
            if not any(compact(one).startswith(begin) for one in known_names()):
                name = name[:at].strip()
            break
    return unknown(KIND, name, known_names(), HINT)


def _written(name: str, count: str) -> str:
    """A cluster as it is written; the number where it can be read."""
    number = count.strip()
    return f"{identity(name.strip())}:{number if is_digits(number) else 'COUNT'}"


def shown(text: str) -> str:
    """A text in quotes, cut where it is long."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
