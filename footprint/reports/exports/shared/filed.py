"""A record as an export, a card or a paper needs it: read from JSON that a stranger may have written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from footprint.errors import DataFileError
from footprint.plain_text import in_line
from footprint.records import record
from footprint.reports.exports.shared.reader import Bounds, Reader
from footprint.results.misfit import read_warning

KINDS = {"footprint/estimate/1": "estimate", "footprint/measurement/1": "measurement"}
_COMPONENTS = ("accelerators", "cpu", "ram", "other_node", "network", "cooling")


@record
class Factor:
    """One assumed or looked-up value, with its source."""

    name: str
    value: str
    unit: str
    basis: str
    source: str


@record
class Filed:
    """One estimate or one measurement. Energy, CO2e, hours of accelerators and FLOP are of all its runs."""

    kind: str
    """``estimate`` or ``measurement``."""
    name: str
    footprint_version: str
    data_version: str
    created_at: str
    """UTC, ``2026-03-01T10:12:00Z``."""
    run_id: str
    status: str
    """How a measured run ended; empty for an estimate."""
    model: str
    family: str
    parameters: float | None
    accelerator: str
    """The chip's id; empty where the hardware is unknown."""
    hardware: str
    count: int | None
    nodes: float | None
    method: str
    precision: str
    tokens: float | None
    samples: float | None
    steps: float | None
    model_flop: float | None
    hardware_flop: float | None
    duration_h: Bounds
    """Wall clock of one run."""
    accelerator_h: Bounds | None
    it_power_w: Bounds | None
    it_energy_kwh: Bounds | None
    energy_kwh: Bounds | None
    components_kwh: Mapping[str, Bounds]
    """IT energy of one run, by component."""
    pue: Bounds | None
    co2e_kg: Bounds | None
    co2e_market_kg: Bounds | None
    embodied_co2e_kg: Bounds | None
    water_l: Bounds | None
    cost_usd: Bounds | None
    grid_g_per_kwh: Bounds | None
    place_key: str
    place: str
    place_year: int | None
    place_basis: str
    place_source: str
    price_source: str
    provider: str
    runs: int
    failed_share: float
    every: float
    """All accelerator-hours over those of one run: repeats, failures and a search."""
    assumptions: tuple[Factor, ...]
    meters: tuple[tuple[str, str, str], ...]
    """Component, ``measured``, ``modelled`` or ``absent``, and source."""
    warnings: tuple[str, ...]
    scenario: Mapping[str, Any]
    """The fields that were given of an estimate, which are checked when they are used."""

    @property
    def on(self) -> str:
        """The hardware with its count, such as ``8 x NVIDIA Tesla V100``; empty where it is unknown."""
        return f"{self.count} x {self.hardware}" if self.hardware and self.count else self.hardware

    @property
    def is_measured(self) -> bool:
        """Whether this is a measurement; some of its components may be modelled all the same."""
        return self.kind == "measurement"

    @property
    def was_metered(self) -> bool:
        """Whether a meter read at least one component."""
        return any(way == "measured" for _, way, _ in self.meters)


def read_filed(path: Path) -> Filed:
    """The record in a JSON file; DataFileError if it holds none that can be read."""
    from footprint.catalog.checks.limits import parse_json
    from footprint.catalog.files import read_text

    if path.suffix.lower() in (".csv", ".parquet", ".toml") and path.is_file():
        raise DataFileError(
            f"{path}: not the JSON of an estimate or a measurement; "
            "write one by footprint estimate -o FILE.json, or name a recorded run"
        )
    return filed(parse_json(read_text(path), path), path)


def filed(found: Any, origin: object = "the record") -> Filed:
    """The record of an estimate's or a measurement's JSON values.

    Raises DataFileError, which names the key, for a value that cannot be meant or another schema.
    """
    if not isinstance(found, Mapping):
        raise DataFileError(f"{origin}: not the JSON of an estimate or a measurement")
    at = Reader(found, origin)
    kind = KINDS.get(at.text("schema"))
    if kind is None:
        given = at.text("schema")[:60] or "no schema"
        raise DataFileError(
            f"{origin}: {given!r} is none of {', '.join(KINDS)}; "
            "write one by footprint estimate --format json or footprint runs show RUN --format json"
        )
    model, cluster = at.part("model"), at.part("cluster")
    work, flop, place, price = (at.part(name) for name in ("workload", "flop", "place", "price"))
    repeats, total = at.part("repeats"), at.part("total")
    duration_h = at.bounds("duration_h")
    if duration_h is None:
        raise DataFileError(f"{origin}: duration_h is missing")
    runs, share = repeats.number("runs") or 1, repeats.number("failed_share") or 0.0
    if share >= 1:
        raise DataFileError(f"{origin}: repeats.failed_share must be below 1, not {share}")
    single = {name: at.bounds(name) for name in ("accelerator_h", "energy_kwh", "co2e_kg", "cost_usd")}
    whole = {name: total.bounds(name) or one for name, one in single.items()}
    every = _times_one_run(single["accelerator_h"], whole["accelerator_h"])

    def of_all(name: str) -> Bounds | None:
        one = at.bounds(name)
        return None if one is None else one.times(every)

    return Filed(
        kind=kind, name=at.text("name"), footprint_version=at.text("footprint_version"),
        data_version=at.text("data_version"), created_at=_utc(at.text("created_at"), origin),
        run_id=at.text("run_id"), status=at.text("status"),
        model=model.text("name"), family=model.text("family"), parameters=model.number("parameters"),
        accelerator=cluster.text("accelerator"),
        hardware=cluster.text("variant") or cluster.text("accelerator"),
        count=_whole(cluster.number("count")), nodes=cluster.number("nodes"),
        method=work.text("method"), precision=work.text("precision"), tokens=work.number("tokens"),
        samples=work.number("samples"), steps=work.number("steps"),
        model_flop=_times(flop.number("model_flop"), every),
        hardware_flop=_times(flop.number("hardware_flop"), every),
        duration_h=duration_h, it_power_w=at.bounds("it_power_w"), it_energy_kwh=of_all("it_energy_kwh"),
        components_kwh={
            name: value for name in _COMPONENTS
            if (value := at.part("energy_components_kwh").bounds(name)) is not None
        },
        pue=at.bounds("pue"), co2e_market_kg=of_all("co2e_market_kg"),
        embodied_co2e_kg=of_all("embodied_co2e_kg"), water_l=of_all("water_l"),
        grid_g_per_kwh=at.bounds("grid_g_per_kwh"), place_key=place.text("key"), place=place.text("name"),
        place_year=_whole(place.number("year")), place_basis=place.text("basis"),
        place_source=place.text("source"), price_source=price.text("source"),
        provider=price.text("provider"), runs=int(runs), failed_share=share, every=every,
        assumptions=tuple(_factor(one) for one in at.list("assumptions")),
        meters=tuple((m.text("component"), m.text("how"), m.text("source")) for m in at.list("meters")),
        warnings=tuple(read_warning(in_line(str(one))) for one in found.get("warnings") or ()),
        scenario=at.fields("scenario"), **whole,
    )  # fmt: skip


def _factor(one: Reader) -> Factor:
    texts = {name: one.text(name) for name in ("name", "unit", "basis", "source")}
    return Factor(value=one.plain("value"), **texts)


def _utc(text: str, origin: object) -> str:
    """A time in UTC to the second, with a Z."""
    from datetime import UTC, datetime

    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise DataFileError(f"{origin}: created_at is no time: {text[:40]!r}") from None
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _times_one_run(one: Bounds | None, every: Bounds | None) -> float:
    return every.mid / one.mid if one is not None and every is not None and one.mid > 0 else 1.0


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
