"""The parts of texts that several exports write: JSON, figures, the method in words."""

from __future__ import annotations

import json
import math
import uuid
from typing import Any

from footprint.errors import FootprintError
from footprint.reports.exports.shared.filed import Filed
from footprint.reports.exports.shared.reader import Bounds
from footprint.results.human import amount, figures


def json_text(values: Any) -> str:
    """Values as the text of a JSON file."""
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def without_nothing(values: dict[str, Any]) -> dict[str, Any]:
    """The fields that have a value."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def scientific(value: float, significant: int = 2) -> str:
    """A number to some significant figures, such as ``2.4e25``; never fewer, never more."""
    if value == 0:
        return "0"
    text = f"{value:.{significant - 1}e}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}"


def order_of_magnitude(value: float) -> str:
    """The power of ten at or below a positive number, such as ``1e24``."""
    return f"1e{math.floor(math.log10(value))}"


def required(value: Bounds | None, what: str, standard: str) -> Bounds:
    """The quantity; FootprintError if the record lacks it."""
    if value is None:
        raise FootprintError(f"the record has no {what}, and {standard} cannot be written without it")
    return value


def unique(record: Filed) -> str:
    """An identifier of the record that is the same each time it is exported."""
    seed = f"{record.kind} {record.name} {record.run_id} {record.created_at} {record.energy_kwh}"
    return str(uuid.uuid5(uuid.NAMESPACE_URL, seed))


def stage(record: Filed) -> str:
    """``training`` or ``fine-tuning``."""
    return "training" if record.method in ("", "pretrain") else "fine-tuning"


def boundary(record: Filed) -> str:
    """What the energy holds, in words."""
    factor = "" if record.pue is None else f" of {record.pue.mid:.3g}"
    return f"facility: the nodes' energy at the wall times a PUE{factor}"


def how(record: Filed) -> str:
    """How the energy was obtained, in words."""
    tool = f"footprint {record.footprint_version}, data {record.data_version}"
    if not record.is_measured:
        return (
            f"Estimated before the run by {tool}: FLOPs counted from the model's configuration, step time "
            "from a roofline of the hardware with factors fitted on published runs, power from the "
            "accelerators' limits and their hosts, facility energy by the PUE, CO2e by the grid's "
            "intensity."
        )
    ways = [f"{component} {way} ({source})" for component, way, source in record.meters if way != "absent"]
    return f"Measured during the run by {tool}: {'; '.join(ways) or 'no meter was named'}; times the PUE."


def with_interval(value: Bounds, unit: str) -> str:
    """The median, and the interval if it has one: ``84.5 kWh (90 % interval 53 to 170 kWh)``."""
    text = amount(value.mid, unit)
    if value.low == value.high:
        return text
    return f"{text} (90 % interval {amount(value.low, unit, 2)} to {amount(value.high, unit, 2)})"


def plain(value: float) -> str:
    """A number to three figures without a unit."""
    return figures(value, 3)
