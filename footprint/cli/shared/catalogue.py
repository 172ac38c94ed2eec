"""The commands ``list``, ``search`` and ``show`` for models, hardware, regions and prices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from footprint.catalog.version import headed
from footprint.cli.shared.formats import answer_options
from footprint.cli.shared.formats import show as show_answer
from footprint.cli.shared.options import CatalogueName
from footprint.cli.shared.say import note
from footprint.errors import UnknownNameError
from footprint.records import record

if TYPE_CHECKING:
    from pathlib import Path

    from footprint.reports.formats import Answer

SCHEMA = "footprint/catalogue/1"
MOST_FOUND = 20
FEW = 12
"""Names that an error lists in full."""
Row = dict[str, Any]


@record
class Filter:
    """An option that chooses rows of a list."""

    flag: str
    help: str
    test: Callable[[Any], Callable[[Row], bool]]
    """The test of a row for a value of the option; raises FootprintError for a value that is none."""
    metavar: str = "NAME"
    type: Any = None
    names: Sequence[str] = ()
    """Keys of the rows whose values the option names: a value that is in no row is an unknown name."""

    @property
    def name(self) -> str:
        """The option as an argument."""
        return self.flag[2:].replace("-", "_")


def any_of(*keys: str) -> Callable[[Any], Callable[[Row], bool]]:
    """A filter of rows with the wanted text in one of these values, whatever its case."""

    def test(wanted: Any) -> Callable[[Row], bool]:
        from footprint.reports.texts.catalogue import cell

        text = str(wanted).strip().lower()
        return lambda row: any(text in cell(row.get(key)).lower() for key in keys)

    return test


def at_least(key: str) -> Callable[[Any], Callable[[Row], bool]]:
    """A filter of rows with a value of at least the wanted number."""
    return lambda wanted: lambda row: row.get(key) is not None and row[key] >= wanted


def at_most(key: str) -> Callable[[Any], Callable[[Row], bool]]:
    """A filter of rows with a value of at most the wanted number."""
    return lambda wanted: lambda row: row.get(key) is not None and row[key] <= wanted


@record
class Catalogue:
    """The data of a catalogue command: its rows, its records, and the names for completion."""

    kind: str
    about: str
    rows: Callable[[], list[Row]]
    """One flat row per record; the first key is the id."""
    show: Callable[[str], Mapping[str, Any]]
    """The whole record of a name; raises UnknownNameError for an unknown one."""
    card: str
    """Name of the function of ``footprint.reports.texts.cards`` that shows a record to people."""
    names: Callable[[], list[str]]
    columns: Sequence[str]
    """Keys of the rows that the table shows."""
    example: str
    filters: Sequence[Filter] = ()
    search: Callable[[str], list[Row]] | None = None
    """The rows that a text may mean, best first; without it, those that contain the text."""


def catalogue_group(catalogue: Catalogue) -> click.Group:
    """The click group with ``list``, ``search`` and ``show`` of one catalogue."""
    epilog = (
        "\b\nExamples:\n"
        f"  footprint {catalogue.kind} list\n"
        f"  footprint {catalogue.kind} search {catalogue.example}\n"
        f"  footprint {catalogue.kind} show {catalogue.example} --format json\n"
    )
    name_type = CatalogueName("name", catalogue.names)

    @click.group(name=catalogue.kind, help=catalogue.about, epilog=epilog)
    def group() -> None:
        pass

    @group.command("list", help="List every record, one per line.", epilog=epilog)
    @answer_options("catalogue")
    @_filter_options(catalogue.filters)
    def list_(format_: str | None, output: Path | None, overwrite: bool, **asked: Any) -> None:
        _show_rows(catalogue, _kept(catalogue, asked), format_, output, overwrite)

    @group.command("search", help="Find records whose names resemble TEXT, best first.", epilog=epilog)
    @click.argument("text")
    @answer_options("catalogue")
    @_filter_options(catalogue.filters)
    def search(text: str, format_: str | None, output: Path | None, overwrite: bool, **asked: Any) -> None:
        rows = None if catalogue.search is None else catalogue.search(text)
        found = _search(_kept(catalogue, asked), text) if rows is None else _kept(catalogue, asked, rows)
        _show_rows(catalogue, found, format_, output, overwrite)

    @group.command("show", help="Show one record with its sources.", epilog=epilog)
    @click.argument("name", type=name_type)
    @answer_options("catalogue")
    @click.option(
        "--explain", is_flag=True, help="Show every field, and the source and basis of each number."
    )
    def show(name: str, format_: str | None, output: Path | None, overwrite: bool, explain: bool) -> None:
        from footprint.reports.formats import fields_of
        from footprint.reports.texts import cards
        from footprint.reports.texts.catalogue import record_lines

        try:
            record = catalogue.show(name)
        except UnknownNameError as error:
            if not error.fields:
                raise
            # The hint names options of an estimate.
            raise error.with_hint(f"footprint {catalogue.kind} search finds names") from None
        card = getattr(cards, catalogue.card)
        shown = {**record, "file": name} if name.lower().endswith((".toml", ".json")) else record
        answer = _answer(
            catalogue,
            [dict(record)],
            lambda: "\n".join(record_lines(record)) if explain else card(shown),
            lambda: fields_of(record),
        )
        show_answer(answer, format_, output, overwrite=overwrite)

    return group


def warn(problems: Sequence[str]) -> None:
    """Warn which of the user's own files were left out, and why."""
    for problem in problems:
        note(f"left out: {problem}")


def _search(rows: list[Row], text: str) -> list[Row]:
    """The rows that contain the text, else the rows with the most similar text."""
    wanted = text.strip().lower()
    texts = {
        index: " ".join(str(v) for v in row.values() if v is not None).lower()
        for index, row in enumerate(rows)
    }
    holding = [rows[index] for index, line in texts.items() if wanted in line]
    if holding or not wanted:
        return holding
    from rapidfuzz import fuzz, process

    found = process.extract(wanted, texts, scorer=fuzz.partial_ratio, limit=MOST_FOUND, score_cutoff=70)
    return [rows[index] for _, _, index in found]


def _answer(
    catalogue: Catalogue, rows: list[Row], text: Callable[[], str], table: Callable[[], list[Row]]
) -> Answer:
    from footprint.reports.formats import Answer

    return Answer(
        kind="catalogue",
        text=text,
        data=lambda: {**headed(SCHEMA), "kind": catalogue.kind, "rows": rows},
        table=table,
        schema=SCHEMA,
        nothing=f"no {catalogue.kind} found",
    )


def _show_rows(
    catalogue: Catalogue, rows: list[Row], format_: str | None, output: Path | None, overwrite: bool
) -> None:
    from footprint.reports.texts.catalogue import table

    answer = _answer(catalogue, rows, lambda: table(catalogue.columns, rows), lambda: rows)
    show_answer(answer, format_, output, overwrite=overwrite)


def _filter_options(filters: Sequence[Filter]) -> Callable[[Any], Any]:
    """The options that choose rows of a list."""

    def decorate(function: Any) -> Any:
        for one in reversed(filters):
            function = click.option(one.flag, one.name, type=one.type, metavar=one.metavar, help=one.help)(
                function
            )
        return function

    return decorate


def _kept(catalogue: Catalogue, asked: Mapping[str, Any], rows: list[Row] | None = None) -> list[Row]:
    """The rows of a catalogue, or some of them, that pass every filter that was given."""
    everything = catalogue.rows()
    rows = everything if rows is None else rows
    for one in catalogue.filters:
        wanted = asked[one.name]
        if wanted is None:
            continue
        passes = one.test(wanted)
        if one.names and not any(map(passes, everything)):
            raise _unknown(one, str(wanted), everything)
        rows = [row for row in rows if passes(row)]
    return rows


def _unknown(one: Filter, wanted: str, rows: Sequence[Row]) -> UnknownNameError:
    """The error for a value that no row of the catalogue has."""
    from footprint.catalog.names import unknown

    values = [row.get(key) for row in rows for key in one.names]
    lists = (value if isinstance(value, list) else [value] for value in values)
    known = sorted({str(value) for values in lists for value in values if value is not None})
    hint = f"one of {', '.join(known)}" if len(known) <= FEW else ""
    return unknown(one.name, wanted, known, hint)
