"""The front matter of a Markdown page: one of its keys is set, and no other byte of the page changes.

ruamel.yaml says where the key begins and ends; the text around it is never written anew, so line ends, a
byte order mark, comments, quotes and the order of keys stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any

from footprint.errors import DataFileError
from footprint.records import record

BOM = "\ufeff"
MOST_CHARACTERS = 128 * 1024
"""Of front matter; ruamel.yaml reads about 30 KiB a second."""
MOST_OPEN = 200
"""Brackets and braces that are open at one place; the time to read them grows with their square."""
_FENCE = "---"


@record
class Page:
    """A page in parts: what stands before the front matter, the front matter, and the rest."""

    head: str
    """A byte order mark, and the opening line; empty where there is no front matter."""
    matter: str
    rest: str
    """From the closing line on."""
    newline: str


def page_of(text: str, origin: object) -> Page:
    """The parts of a page; DataFileError for front matter that does not end."""
    mark = BOM if text.startswith(BOM) else ""
    body = text[len(mark) :]
    newline = "\r\n" if "\r\n" in body.partition("\n")[0] + "\n" else "\n"
    lines = _lines(body)
    if not lines or lines[0].rstrip() != _FENCE:
        return Page(head=mark, matter="", rest=body, newline=newline)
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == _FENCE:
            matter = "".join(lines[1:number])
            return Page(head=mark + lines[0], matter=matter, rest="".join(lines[number:]), newline=newline)
    raise DataFileError(f"{origin}: the front matter that begins in its first line has no end (---)")


def _lines(text: str) -> list[str]:
    """Lines with their ends; unlike ``splitlines``, other separators than a line feed divide nothing."""
    return re.findall(r"[^\n]*\n|[^\n]+$", text)


def with_key(page: Page, key: str, values: Mapping[str, float | str], origin: object) -> str:
    """The text of the page with a mapping under a key of its front matter.

    Keys below it that ``values`` does not have are kept.

    Raises DataFileError for front matter that is no YAML mapping, or where the key cannot be set without a
    change of something else.
    """
    if not page.head.removeprefix(BOM):
        block = _block(key, values, "", page.newline)
        return f"{page.head}{_FENCE}{page.newline}{block}{_FENCE}{page.newline}{page.newline}{page.rest}"
    begin, end, kept = _span(page.matter, key, values, origin)
    block = _block(key, values, kept, page.newline)
    before, after = page.matter[:begin], page.matter[end:]
    if before and not before.endswith(("\n", "\r")):
        before += page.newline
    return f"{page.head}{before}{block}{after}{page.rest}"


def _block(key: str, values: Mapping[str, float | str], kept: str, newline: str) -> str:
    lines = [f"{key}:", *(f"  {name}: {scalar(value)}" for name, value in values.items())]
    return newline.join((*lines, "")) + kept


def scalar(value: float | str) -> str:
    """A number without an exponent, to four figures; a text in double quotes. Both are YAML 1.1 and 1.2."""
    if isinstance(value, str):
        import json

        return json.dumps(value, ensure_ascii=False)
    return format(Decimal(f"{value:.4g}"), "f")


def _span(matter: str, key: str, values: Mapping[str, float | str], origin: object) -> tuple[int, int, str]:
    """Begin and end of a key in the front matter (its end, if it has none), and the lines that are kept."""
    root = _root(matter, origin)
    if root is None:
        return len(matter), len(matter), ""
    keys = [one for one, _ in root.value]
    names = [str(one.value) for one in keys]
    if len(set(names)) < len(names):
        raise DataFileError(f"{origin}: a key stands twice in the front matter")
    if root.flow_style:
        raise DataFileError(f"{origin}: front matter in braces is not changed: write a key a line")
    if key not in names:
        return len(matter), len(matter), ""
    at = names.index(key)
    own, value = root.value[at]
    begin = own.start_mark.index
    limit = keys[at + 1].start_mark.index if at + 1 < len(keys) else len(matter)
    if value.anchor or not begin < value.start_mark.index <= limit or own.start_mark.column:
        raise DataFileError(f"{origin}: {key} has an anchor or an alias, so it is not changed")
    end = _without_comments(matter, begin, limit)
    return begin, end, _kept(matter, value, values, end)


def _without_comments(matter: str, begin: int, limit: int) -> int:
    """The end of a block without the blank lines and comments that follow it."""
    lines = _lines(matter[begin:limit])
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return begin + sum(map(len, lines))


def _kept(matter: str, value: Any, ours: Mapping[str, float | str], end: int) -> str:
    """The lines of those keys of an older mapping that are not ours, as they are, if it has a key a line."""
    if type(value).__name__ != "MappingNode" or value.flow_style:
        return ""
    starts = [one.start_mark.index - one.start_mark.column for one, _ in value.value]
    spans = pairwise([*starts, end])
    return "".join(
        matter[start:stop]
        for (one, _), (start, stop) in zip(value.value, spans, strict=True)
        if str(one.value) not in ours and one.start_mark.column == 2
    )


def _root(matter: str, origin: object) -> Any:
    """The mapping of the front matter as nodes with their places; None where it is empty.

    Nothing is constructed, so an alias is not expanded.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if len(matter) > MOST_CHARACTERS:
        raise DataFileError(f"{origin}: front matter of more than {MOST_CHARACTERS >> 10} KiB")
    if max(accumulate((sign in "[{") - (sign in "]}") for sign in matter), default=0) > MOST_OPEN:
        raise DataFileError(f"{origin}: the front matter is nested too deeply: {MOST_OPEN} open brackets")
    try:
        root = YAML(typ="rt").compose(matter)
    except RecursionError:
        raise DataFileError(f"{origin}: the front matter is nested too deeply") from None
    except (YAMLError, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        raise DataFileError(f"{origin}: the front matter is not valid YAML: {why}") from None
    if root is not None and type(root).__name__ != "MappingNode":
        raise DataFileError(f"{origin}: the front matter is no mapping of keys")
    return root
