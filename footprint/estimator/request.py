"""What one estimate is asked for: every option of ``footprint estimate`` as a field.

The same record is a *scenario*: its fields that are set are what ``--save`` writes and
``--from`` reads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_args

from footprint import parsing
from footprint.errors import FootprintError
from footprint.records import record
from footprint.schema import Attention, Cooling, Method, Purchase, Recompute, Stack

OPTIMIZERS = ("adam", "adamw", "lamb", "adafactor", "adagrad", "adam8bit", "lion", "muon", "sgd")
PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "fp8")
_CHOICES: dict[str, tuple[str, ...]] = {
    "method": get_args(Method),
    "precision": PRECISIONS,
    "optimizer": OPTIMIZERS,
    "recompute": get_args(Recompute),
    "attention": get_args(Attention),
    "stack": get_args(Stack),
    "purchase": get_args(Purchase),
    "cooling": get_args(Cooling),
}
_WHOLE = (
    "seq_len", "tgt_seq_len", "image_size", "batch_size", "lora_rank", "tp", "pp", "dp", "cp", "ep",
    "micro_batch", "accelerators_per_node", "year", "runs",
)  # fmt: skip
_POSITIVE = (
    "tokens", "samples", "steps", "epochs", "hours", "step_time_s", "tokens_per_second", "samples_per_second",
    "mfu", "goodput", "it_power_w", "accelerator_power_w", "network_byte_per_s", "pue", "usd_per_hour",
    "electricity_usd_per_kwh", "capital_usd", "lifetime_years", "utilisation", "document_length",
)  # fmt: skip
_AT_MOST = {
    "mfu": 1.0, "goodput": 1.0, "utilisation": 1.0, "pue": 5.0, "grid_g_per_kwh": 5000.0, "lora_rank": 65536,
    "lifetime_years": 100.0, "hours": 1e7, "usd_per_hour": 1e5, "electricity_usd_per_kwh": 100.0,
    "it_power_w": 1e10, "accelerator_power_w": 1e5,
    "steps": 1e15, "tokens": 1e20, "samples": 1e18, "epochs": 1e9,
    "batch_size": 10**12, "seq_len": 10**9, "tgt_seq_len": 10**9, "image_size": 10**5, "runs": 10**9,
    "step_time_s": 1e9, "tokens_per_second": 1e15, "samples_per_second": 1e15, "capital_usd": 1e12,
    "network_byte_per_s": 1e15, "tp": 10**6, "pp": 10**6, "dp": 10**8, "cp": 10**6, "ep": 10**6,
    "micro_batch": 10**9, "accelerators_per_node": 10**5,
    "year": 2100, "failed_share": 0.999, "document_length": 10**8,
}  # fmt: skip
_AT_LEAST = {
    "step_time_s": 1e-9, "tokens_per_second": 1e-6, "samples_per_second": 1e-6, "grid_g_per_kwh": 0.0,
    "failed_share": 0.0, "pue": 1.0, "year": 2000, "document_length": 1.0,
}  # fmt: skip
_SHARES = ("mfu", "goodput", "utilisation", "failed_share")
TIME_FIELDS = ("hours", "step_time_s", "tokens_per_second", "samples_per_second", "mfu")
AMOUNT_FIELDS = ("tokens", "samples", "steps")


@record
class EstimateRequest:
    """One scenario; what is None was not given."""

    hw: str
    model: str | None = None
    name: str | None = None
    # workload
    tokens: float | None = None
    samples: float | None = None
    steps: float | None = None
    epochs: float | None = None
    batch_size: int | None = None
    seq_len: int | None = None
    tgt_seq_len: int | None = None
    image_size: int | None = None
    document_length: float | None = None
    # method
    method: str | None = None
    lora_rank: int | None = None
    lora_targets: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    # execution
    precision: str | None = None
    tp: int | None = None
    pp: int | None = None
    dp: int | None = None
    cp: int | None = None
    ep: int | None = None
    micro_batch: int | None = None
    recompute: str | None = None
    attention: str | None = None
    optimizer: str | None = None
    stack: str | None = None
    # cluster
    accelerators_per_node: int | None = None
    cooling: str | None = None
    network_byte_per_s: float | None = None
    # what is known already
    anchor: str | None = None
    hours: float | None = None
    step_time_s: float | None = None
    tokens_per_second: float | None = None
    samples_per_second: float | None = None
    mfu: float | None = None
    goodput: float | None = None
    it_power_w: float | None = None
    accelerator_power_w: float | None = None
    # place
    region: str | None = None
    year: int | None = None
    pue: float | None = None
    grid_g_per_kwh: float | None = None
    # price
    provider: str | None = None
    purchase: str | None = None
    usd_per_hour: float | None = None
    electricity_usd_per_kwh: float | None = None
    capital_usd: float | None = None
    lifetime_years: float | None = None
    utilisation: float | None = None
    # repeats
    runs: int | None = None
    failed_share: float | None = None
    force: bool = False

    def __post_init__(self) -> None:
        self._check_values()
        self._check_together()

    def _check_values(self) -> None:
        """Each value on its own: type, sign, size, choice."""
        if self.hw is None:
            raise FootprintError("--hw is missing: say which accelerators, such as --hw v100:8")
        for name in ("hw", "model", "name", "anchor", "region", "provider", "optimizer"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and value.strip() and value.isprintable()):
                raise FootprintError(f"{option(name)} must be a name, not {value!r}")
        for name in (*_WHOLE, *_POSITIVE, "grid_g_per_kwh", "failed_share"):
            if getattr(self, name) is not None:
                _check_number(name, getattr(self, name))
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value is not None and value not in choices:
                raise FootprintError(f"{option(name)} must be one of {', '.join(choices)}, not {value!r}")

    def _check_together(self) -> None:
        """Values that contradict each other."""
        self._at_most_one(TIME_FIELDS, "each sets the time on its own")
        self._at_most_one(AMOUNT_FIELDS, "each sets the amount of training on its own")
        self._at_most_one(
            ("it_power_w", "accelerator_power_w"), "one is the whole cluster, the other one board"
        )
        self._at_most_one(("usd_per_hour", "capital_usd"), "one rents, the other owns")
        if self.hours is not None and self.goodput is not None:
            raise FootprintError(
                "--hours is wall clock and already contains the goodput: leave out --goodput"
            )
        if self.steps is not None and self.epochs is not None:
            raise FootprintError("--steps and --epochs both set the amount of training: give one")
        if self.usd_per_hour is not None and (self.provider or self.purchase):
            raise FootprintError("--usd-per-hour is the price itself: leave out --provider and --purchase")
        if self.capital_usd is None:
            if self.electricity_usd_per_kwh is not None:
                raise FootprintError(
                    "--electricity-usd-per-kwh belongs to owned hardware: give --capital-usd too"
                )
        elif self.provider or self.purchase:
            raise FootprintError("--capital-usd owns the hardware: leave out --provider and --purchase")
        if self.method not in {"lora", "qlora"} and (self.lora_rank is not None or self.lora_targets):
            raise FootprintError("--lora-rank and --lora-targets need --method lora or qlora")

    def _at_most_one(self, names: tuple[str, ...], why: str) -> None:
        given = [option(name) for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            raise FootprintError(f"{' and '.join(given)} contradict: {why}; give one")

    def given(self) -> dict[str, Any]:
        """The fields that were set, in order: what a scenario file holds."""
        record = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            k: list(v) if isinstance(v, tuple) else v for k, v in record.items() if v not in (None, (), False)
        }

    @classmethod
    def from_mapping(cls, raw: Mapping[str, Any], origin: str) -> EstimateRequest:
        """A request from a scenario's fields; FootprintError names what is unknown or missing."""
        known = {f.name for f in fields(cls)}
        for key in raw:
            if key not in known:
                from footprint.catalog.names import unknown

                raise unknown("scenario field", str(key), known, hint=origin)
        if "hw" not in raw:
            raise FootprintError(f"{origin}: hw is missing: say which accelerators, such as hw = 'v100:8'")
        values = dict(raw)
        for name in ("lora_targets", "frozen"):
            value = values.get(name, ())
            if isinstance(value, str) or not all(isinstance(part, str) for part in value):
                raise FootprintError(f"{origin}: {name} must be a list of names")
            values[name] = tuple(value)
        for name, value in values.items():
            if isinstance(value, str):
                values[name] = _parsed(name, value)
        return cls(**values)


def _parsed(name: str, text: str) -> float | str:
    """A value as people write it, in a scenario or in Python: ``"79h"``, ``"300B"``, ``"$10k"``."""
    if name in _CHOICES:
        return text.strip().lower()
    if name in _SHARES:
        return parsing.parse_share(text, option(name))
    if name == "grid_g_per_kwh":
        return parsing.parse_amount(text, option(name))
    if name not in (*_WHOLE, *_POSITIVE):
        return text
    if name == "hours":
        return parsing.parse_duration_h(text, option(name))
    if "usd" in name:
        parse = parsing.parse_usd if name == "capital_usd" else parsing.parse_price
        return parse(text, option(name))
    if name == "network_byte_per_s":
        return parsing.parse_byte_per_s(text, option(name))
    return parsing.parse_count(text, option(name))


def _check_number(name: str, value: object) -> None:
    """FootprintError unless a numeric field is finite, of the right kind and within its bounds."""
    label = option(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FootprintError(f"{label} must be a number, not {value!r}")
    if not math.isfinite(value):
        raise FootprintError(f"{label} must be finite, not {value}")
    if name in _WHOLE and value != int(value):
        raise FootprintError(f"{label} must be a whole number, not {value}")
    least = _AT_LEAST.get(name)
    if least is not None and value < least:
        raise FootprintError(f"{label} must be at least {least:g}, not {value:g}")
    if least is None and value <= 0:
        raise FootprintError(f"{label} must be above 0, not {value:g}")
    if name in _AT_MOST and value > _AT_MOST[name]:
        raise FootprintError(f"{label} must be at most {_AT_MOST[name]:g}, not {value:g}")


def option(name: str) -> str:
    """The command-line option of a field, for messages."""
    return {"network_byte_per_s": "--network"}.get(name, "--" + name.replace("_", "-"))
