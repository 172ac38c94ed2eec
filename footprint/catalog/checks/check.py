"""Check a user's own file before it is used.

pydantic's ``TypeAdapter`` checks the file against the record classes of the shipped files. Remarks
report what types cannot express: sources that are not described, unlikely magnitudes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from time import gmtime
from typing import Any, get_args

from footprint.catalog.build import checked
from footprint.catalog.files import hardware_folder, read_toml
from footprint.catalog.folder import ids
from footprint.catalog.hardware.find import shipped_id
from footprint.catalog.models import models_folder
from footprint.catalog.models.read import check_model, read_model_file
from footprint.catalog.places import find_place
from footprint.catalog.places.sites import OwnSite, outside_its_dates, read_site
from footprint.catalog.prices.offer import PriceOffer
from footprint.catalog.prices.own_list import read_list
from footprint.catalog.sources import all_sources
from footprint.catalog.upkeep.age import today
from footprint.errors import DataFileError
from footprint.records import record
from footprint.schema import Accelerator, ModelConfig
from footprint.vocabulary import Precision

UNUSUAL_PEAK_FLOP_PER_S = (1e9, 1e17)
_NAME_SIGNS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
UNUSUAL_TDP_W = (1.0, 5000.0)
MOST_MEMORY_GIB = {False: 4096.0, True: 65536.0}
"""Limits above the memory of any accelerator (False) and any processor (True) [GiB]."""


@record
class OwnPrices:
    """A price list of one's own."""

    id: str
    name: str
    offers: tuple[PriceOffer, ...]


Checked = Accelerator | ModelConfig | OwnSite | OwnPrices


def check_file(path: Path) -> tuple[str, Checked, tuple[str, ...]]:
    """Kind (``hardware``, ``model``, ``site`` or ``prices``), record and remarks of a user's file.

    Raises DataFileError for a file that is none of these; the message names the wrong field.
    """
    if path.suffix == ".csv":
        return "prices", _own_prices(path), ()
    if path.suffix == ".json":
        model = read_model_file(path)
        return "model", model, _remarks(model)
    if path.suffix != ".toml":
        raise DataFileError(
            f"{path}: give a .toml profile, model, site or price list, a .csv price list, or a Hugging Face "
            "config.json"
        )
    raw = read_toml(path)
    if "peak_flop_per_s" in raw:
        chip = checked(Accelerator, raw, str(path))
        return "hardware", chip, (*_remarks(chip), *_chip_remarks(chip))
    if "config" in raw:
        model = check_model(raw, str(path))
        return "model", model, _remarks(model)
    if "offers" in raw:
        return "prices", _own_prices(path), ()
    if str(raw.get("schema")).startswith("footprint/site/"):
        site = read_site(str(path))
        outside = outside_its_dates(site, today())
        if site.place is not None:
            find_place(site.place)
        return "site", site, (outside,) if outside else ()
    raise DataFileError(
        f"{path}: neither an accelerator profile (a [peak_flop_per_s] table) nor a model (a [config] table) "
        'nor a site (schema = "footprint/site/1") nor a price list ([[offers]] tables)'
    )


def _own_prices(path: Path) -> OwnPrices:
    offers = read_list(str(path))
    chips = len({offer.accelerator for offer in offers})
    return OwnPrices(id=path.name, name=f"{len(offers)} offers of {chips} accelerators", offers=offers)


def _remarks(one: Accelerator | ModelConfig) -> tuple[str, ...]:
    """Remarks on a name that is already taken and on citations of unknown sources.

    Raises DataFileError for an invalid id.
    """
    if not one.id or not set(one.id) <= _NAME_SIGNS or one.id[0] in "._-":
        raise DataFileError(f"id {one.id[:64]!r}: use lower-case letters, digits, dots, dashes, underscores")
    own: Mapping[str, Any] = one.sources
    missing = sorted({c.source for c in one.cite.values()} - set(own) - set(all_sources()))
    folder = hardware_folder() if isinstance(one, Accelerator) else models_folder()
    remarks = []
    if one.id in ids(folder):
        remarks.append(f"id {one.id!r} belongs to a built-in file, which is found first: choose another id")
    remarks += [f"source {key!r} is cited but not described: add a [sources.{key}] table" for key in missing]
    if not one.cite:
        remarks.append("no number is cited: add a `cite` table, so that others can trust the file")
    return tuple(remarks)


def _chip_remarks(chip: Accelerator) -> tuple[str, ...]:
    """Remarks on magnitudes that suggest a wrong unit."""
    for precision in chip.peak_flop_per_s:
        if precision not in get_args(Precision):
            known = ", ".join(get_args(Precision))
            raise DataFileError(f"peak_flop_per_s.{precision}: unknown precision; it is one of {known}")
    low, high = UNUSUAL_PEAK_FLOP_PER_S
    remarks = [
        f"peak_flop_per_s.{precision} = {peak:g} is unusual: it is FLOP/s, not TFLOP/s"
        for precision, peak in chip.peak_flop_per_s.items()
        if not low <= peak <= high
    ]
    if chip.tdp_w is not None and not UNUSUAL_TDP_W[0] <= chip.tdp_w <= UNUSUAL_TDP_W[1]:
        remarks.append(f"tdp_w = {chip.tdp_w:g} is unusual: it is watts of one {chip.unit}")
    remarks += _magnitudes(chip)
    if chip.tdp_w is None and chip.measured_w is None:
        remarks.append("neither tdp_w nor measured_w: every estimate will need `accelerator_power_w=`")
    return tuple(remarks)


def _magnitudes(chip: Accelerator) -> list[str]:
    """Remarks on values that contradict each other or that no existing hardware has."""
    remarks = []
    if chip.tdp_w is not None and chip.idle_w is not None and chip.idle_w >= chip.tdp_w:
        remarks.append(f"idle_w = {chip.idle_w:g} is not below tdp_w = {chip.tdp_w:g}")
    if not 2005 <= chip.year <= gmtime().tm_year + 3:
        remarks.append(f"year = {chip.year} is unusual: it is the year in which the chip came out")
    if chip.memory_gib > MOST_MEMORY_GIB[chip.kind == "cpu"]:
        remarks.append(f"memory_gib = {chip.memory_gib:g} is unusual: it is GiB of one {chip.unit}")
    board = chip.tdp_w or chip.measured_w or 0.0
    remarks += [
        f"nodes.{node.id}.max_w = {node.max_w:g} is below what its accelerators alone draw, "
        f"{node.accelerators} x {board:g} W: the power of every estimate will be capped at max_w"
        for node in chip.nodes
        if node.max_w is not None and node.max_w < node.accelerators * board
    ]
    taken = [name for name in chip.aliases if shipped_id(name) not in (None, chip.id)]
    if taken:
        remarks.append(f"aliases {', '.join(taken)} are names of built-in chips, which are found first")
    if shipped_id(chip.id) not in (None, chip.id):
        remarks.append(
            f"id {chip.id!r} is a name of the built-in {shipped_id(chip.id)}, which is found first"
        )
    return remarks
