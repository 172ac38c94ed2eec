"""Exports to published formats: each file of this folder is one, found by its name.

``cyclonedx_1_6.py`` is ``cyclonedx-1.6``. An export is a module with ``NAME``; ``STANDARD``, the published
format that its file follows, with version and date; ``ENDING``; and ``write``, from one record to the text
and the list of what the user has to fill in. No export claims conformity with a standard.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from footprint.errors import FootprintError
from footprint.plain_text import escaped
from footprint.records import record
from footprint.reports.exports.shared.filed import Filed, filed, read_filed
from footprint.results.human import in_words
from footprint.results.misfit import misfits_in

if TYPE_CHECKING:
    from typing import Protocol

    from footprint.results.estimate import Estimate
    from footprint.results.measurement import Measurement

    class Export(Protocol):
        """The names that the module of an export defines."""

        NAME: str
        STANDARD: str
        ENDING: str

        @staticmethod
        def write(record: Filed) -> tuple[str, tuple[str, ...]]:
            """The text, and what is left for the user."""


_FOLDER = Path(__file__).parent


@record
class Exported:
    """A record in a published format."""

    format: str
    standard: str
    text: str
    left: tuple[str, ...]
    """What the record does not say and the user has to fill in or check."""


def export(source: Estimate | Measurement | Mapping[str, Any] | str | Path, format: str) -> Exported:  # noqa: A002
    """An estimate or a measurement in a published format, such as ``boamps`` or ``cyclonedx-1.6``.

    ``source`` is the record, its JSON values, or the path of its JSON file.

    Raises:
        UnknownNameError: no such format, with the nearest names.
        FootprintError: a record that cannot be read, or that lacks what the format needs.
    """
    module = find_export(format)
    record = as_filed(source)
    if misfits_in(record.warnings):
        raise FootprintError(
            f"{record.name}: its step does not fit into memory, so there is no run to export"
        )
    text, left = module.write(record)
    if record.status not in ("", "completed"):
        left = (
            f"the run's end: it is {in_words(record.status)}, and these numbers hold what was recorded",
            *left,
        )
    return Exported(format=module.NAME, standard=module.STANDARD, text=escaped(text), left=left)


def as_filed(source: Any) -> Filed:
    """The record of an estimate, a measurement, its JSON values or the path of its JSON file."""
    if isinstance(source, Filed):
        return source
    if isinstance(source, str | Path):
        return read_filed(Path(source))
    return filed(source if isinstance(source, Mapping) else source.to_json())


def export_names() -> list[str]:
    """The names of the exports."""
    return sorted(_module(path.stem).NAME for path in _FOLDER.glob("[!_]*.py"))


def find_export(name: str) -> Export:
    """The export of that name; UnknownNameError if there is none."""
    stem = re.sub(r"[-.]", "_", name.strip().lower())
    if stem.isidentifier() and stem[0] != "_" and (_FOLDER / f"{stem}.py").is_file():
        return _module(stem)
    from footprint.catalog.names import unknown

    names = export_names()
    raise unknown("export format", name, names, f"one of: {', '.join(names)}")


def _module(stem: str) -> Export:
    from importlib import import_module

    return cast("Export", import_module(f"footprint.reports.exports.{stem}"))
