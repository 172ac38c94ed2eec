"""Names for people: what the rows of "assumed" and the causes of an interval are called in text and plots.

JSON and CSV keep the names of the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.plain_text import in_line
from footprint.results.human import figures
from footprint.vocabulary import ENDS

QUANTITY_WORDS = {"duration_h": "hours", "energy_kwh": "energy", "co2e_kg": "CO2e", "cost_usd": "cost"}
"""What the quantities of a scenario are called in a heading or a sentence."""
QUANTITY_UNITS = {"duration_h": "h", "energy_kwh": "kwh", "co2e_kg": "kg", "cost_usd": "usd"}
"""The units by which `footprint.results.human.amount` knows them."""
_UNITS = {
    "g_per_kwh": "g/kWh", "l_per_kwh": "l/kWh", "usd_per_kwh": "USD/kWh", "usd_per_accelerator_h": "USD/h",
    "usd_per_tonne": "USD/t", "flop_per_s": "FLOP/s", "tflop_per_s": "TFLOP/s", "byte_per_s": "byte/s",
    "kwh": "kWh", "kg": "kg", "usd": "USD", "gib": "GiB", "flop": "FLOP", "w": "W", "h": "h",
    "s": "s", "l": "l",
}  # fmt: skip
"""Units as names of the data end in them, the longest first, and as people write them."""
_SHORT_WORDS = {"co2e": "CO2e", "pue": "PUE", "mfu": "MFU"}
_ASSUMPTIONS = {
    "workload.batch": "batch (sequences or samples a step)",
    "workload.sequence_length": "sequence length",
    "workload.image_size": "image size",
    "workload.tokens": "training tokens (compute-optimal)",
    "workload.phases": "phases of the recipe",
    "workload.recipe_epochs": "epochs of the recipe",
    "goodput.small": "goodput (share of the time that makes progress)",
    "goodput.middle": "goodput (share of the time that makes progress)",
    "goodput.large": "goodput (share of the time that makes progress)",
    "step time over the sum of its terms": "software overhead (actual over modelled step time)",
    "generic_fitted.time_dense": "step time of such models, relative to the generic one",
    "generic_fitted.time_experts": "step time of such models, relative to the generic one",
    "generic_fitted.time_of_flop": "step time of such models, relative to the generic one",
    "generic_fitted.time_of_sample": "step time, relative to that at a typical MFU",
    "time.busy_share": "busy share of a step",
    "time.mfu_cpu": "MFU of a processor",
    "power.busy_over_tdp": "power of a busy accelerator, share of its limit",
    "power.waiting_over_tdp": "power of a waiting accelerator, share of its limit",
    "power.idle_over_tdp": "power of an idle accelerator, share of its limit",
    "power.fed_share_unknown": "share of the time that steps fill",
    "power.network_w_per_gbyte_per_s": "network power per bandwidth",
    "power.network_share": "network power, share of the nodes' power",
    "prices.lifetime_years": "years of service",
    "prices.utilisation": "share of its lifetime in which the hardware is used",
    "prices.electricity_usd_per_kwh": "price of electricity",
    "prices.spot_interruption_factor": "longer by interruptions (spot)",
    "pue": "PUE",
    "places.pue_desk": "PUE (beside a desk, without a data centre's overhead)",
    "purchase": "kind of purchase",
    "searches.mean_fraction": "mean length of a trial, share of a whole run",
}
_CAUSES = {
    "time_model": "step-time model", "generic_model": "generic model", "busy_share": "busy share",
    "power_model": "board power model",
    "host_power": "host power", "network_power": "network power", "goodput": "goodput", "pue": "PUE",
    "wue": "water effectiveness", "embodied_accelerator": "embodied CO2e of the chip",
    "prices.lifetime_years": "years of service", "power.fed_share_unknown": "share of time with steps",
    "searches.mean_fraction": "length of trials", "searches.schedule": "schedule of the search",
    "embodied.server_factor": "embodied CO2e of the server",
}  # fmt: skip


def value_text(value: Any) -> str:
    """The value of a scenario's field in a table."""
    if isinstance(value, list | tuple):
        return "+".join(map(value_text, value))
    return figures(value) if isinstance(value, float) else in_line(str(value))


def field_text(name: str, value: Any) -> str:
    """A field and its value; a flag by its name alone."""
    word = name.replace("_", " ")
    return word if value is True else f"{word} {value_text(value)}"


def row_text(fields: Mapping[str, Any]) -> str:
    """What tells a row from others: its values, numbers and flags with the names of their fields."""
    return ", ".join(
        field_text(name, value) if isinstance(value, int | float) else value_text(value)
        for name, value in fields.items()
    )


def assumption_name(name: str) -> str:
    """The name of a row of "assumed" for people; phases keep their number."""
    stem, bracket, phase = name.partition(" (phase ")
    known = _ASSUMPTIONS.get(stem)
    if known is not None:
        return known + bracket + phase
    return name.replace("_", " ") if " " in name or "." not in name else _last(name)


def column_name(name: str) -> str:
    """A column for people: ``duration_h_low`` is ``duration, low (h)``."""
    stem, _, end = name.rpartition("_")
    stem, end = (stem, f", {end}") if stem and end in ENDS else (name, "")
    unit = next((unit for unit in _UNITS if stem == unit or stem.endswith(f"_{unit}")), "")
    words = " ".join(_SHORT_WORDS.get(word, word) for word in stem.removesuffix(unit).split("_") if word)
    words = (words or _UNITS[unit]) + end
    return f"{words} ({_UNITS[unit]})" if unit and not words.startswith(_UNITS[unit]) else words


def cause_name(cause: str) -> str:
    """The name of a cause for people: ``grid:FRA:2025`` is ``grid, FRA 2025``."""
    if cause in _CAUSES:
        return _CAUSES[cause]
    head, *rest = cause.split(":")
    name = _last(head)
    detail = " ".join(part for part in rest if part != "all").replace("_", " ")
    return f"{name}, {detail}" if detail else name


def _last(key: str) -> str:
    """The last part of a key, as words."""
    return key.rpartition(".")[2].replace("_", " ")
