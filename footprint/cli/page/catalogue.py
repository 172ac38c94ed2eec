"""The lists behind the page's form: models, accelerators, places, and the fields with their help."""

from __future__ import annotations

from typing import Any

from footprint.cli.page.questions import NOT_OF_THE_PAGE
from footprint.estimator.request import FIELDS
from footprint.spelling import on_command_line

SHOWN_FIRST = ("model", "hw")
"""Fields with controls of their own."""


def catalogue() -> dict[str, Any]:
    """Names with what tells them apart, from the shipped data alone."""
    from footprint.catalog.files import hardware_folder
    from footprint.catalog.folder import read_records
    from footprint.catalog.models import models_folder
    from footprint.catalog.places import all_places
    from footprint.catalog.version import __version__
    from footprint.cli.page.exports import export_menu
    from footprint.cli.page.published import published_runs

    models = [
        {
            "id": key,
            "name": raw.get("name", key),
            "also": _listed(raw.get("aliases")),
            "year": raw.get("year"),
        }
        for key, raw in read_records(models_folder())
    ]
    hardware = [
        {"id": key, "name": raw.get("name", key), "also": _listed(raw.get("aliases")),
         "memory_gib": raw.get("memory_gib"), "year": raw.get("year")}
        for key, raw in read_records(hardware_folder())
    ]  # fmt: skip
    places = [
        {"id": place.key, "name": place.name, "g_per_kwh": place.g_per_kwh}
        for place in all_places()
        if place.source and place.g_per_kwh is not None
    ]
    return {"version": __version__, "models": models, "hardware": hardware, "places": places,
            "fields": fields_shown(), "exports": export_menu(), "published": published_runs()}  # fmt: skip


def fields_shown() -> list[dict[str, Any]]:
    """Every field of the form but model and hardware, by section."""
    return [
        {
            "name": field.name,
            "section": field.section,
            "flag": field.flag,
            "kind": field.kind.word,
            "help": on_command_line(field.help),
            "choices": list(field.choices),
        }
        for field in FIELDS.values()
        if field.name not in (*NOT_OF_THE_PAGE, *SHOWN_FIRST) and field.section != "output"
    ]


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
