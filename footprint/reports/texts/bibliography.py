"""The data sources of a record as BibTeX entries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from footprint.catalog.sources import all_sources
from footprint.reports.exports.shared.filed import Filed
from footprint.reports.texts.latex import in_latex, in_url
from footprint.schema import Source

_KEY = re.compile(r"[a-z0-9][a-z0-9.-]+")


def sources_of(record: Filed) -> dict[str, Source]:
    """Every described source of the record's numbers by its key: factors, hardware and model."""
    named = [record.place_source, record.price_source, *(one.source for one in record.assumptions),
             *(source for _, way, source in record.meters if way != "absent")]  # fmt: skip
    own = _of_hardware(record) | _of_model(record)
    known = {**all_sources(), **own}
    keys = {key: None for text in named for key in _KEY.findall(text.lower()) if key in known}
    return {key: known[key] for key in sorted({*keys, *own})}


def bibtex(records: Iterable[Filed]) -> str:
    """An entry for each source of some records, and one for the program."""
    records = list(records)
    sources: dict[str, Source] = {}
    for record in records:
        sources |= sources_of(record)
    versions = sorted({in_latex(record.footprint_version) for record in records})
    program = (
        "@software{footprint,\n  author = {{The footprint contributors}},\n"
        "  title = {{footprint: what training a machine-learning model costs in kWh, CO2e and USD}},\n"
        f"  version = {{{', '.join(versions)}}},\n}}"
    )
    return "\n\n".join([program, *(_entry(key, source) for key, source in sources.items())]) + "\n"


def cited(record: Filed) -> str:
    r"""A ``\cite`` of all of them."""
    return rf"\cite{{{','.join(['footprint', *sources_of(record)])}}}"


def _entry(key: str, source: Source) -> str:
    url = in_url(source.locator)
    where = rf"\url{{{url}}}" if url else in_latex(source.locator)
    fields = {
        "title": f"{{{in_latex(source.title)}}}",
        "year": str(source.year),
        "howpublished": where,
        "note": "" if source.licence == "facts" else f"Licence: {in_latex(source.licence)}",
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{key},", *lines, "}"])


def _of_hardware(record: Filed) -> dict[str, Source]:
    from footprint.catalog.hardware import accelerator_ids, find_accelerator

    if record.accelerator not in accelerator_ids():
        return {}
    chip = find_accelerator(record.accelerator)
    return _found({one.source for one in chip.cite.values()}, chip.sources)


def _of_model(record: Filed) -> dict[str, Source]:
    from footprint.catalog.models import find_model, model_ids

    if record.model not in model_ids():
        return {}
    model = find_model(record.model)
    return _found({one.source for one in model.cite.values()}, model.sources)


def _found(keys: Iterable[str], own: Mapping[str, Source]) -> dict[str, Source]:
    known = {**all_sources(), **own}
    return {key: known[key] for key in keys if key in known}
