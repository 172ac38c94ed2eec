"""What is said of each field of a scenario: what it holds, its bounds, and how it is explained.

`footprint.estimator.request.EstimateRequest` declares its fields with `about`, a line each. The
checks of a request, the options of the command line, the keys of a scenario file and
``docs/options.md`` are all read from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from footprint import parsing, spelling
from footprint.errors import FootprintError
from footprint.named_tuples import NamedTuple
from footprint.records import field, metadata_of
from footprint.vocabulary import ADAPTED


class Kind(NamedTuple):
    """What a field can hold, and how it is read from what people write."""

    word: str
    """What stands for the value on a help page."""
    read: Callable[[str, str], Any]
    """The value of a text; the second argument is the field's name in messages."""
    number: bool = True
    whole: bool = False
    unit: str = ""


def _names(text: str, _: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _as_written(text: str, _: str) -> str:
    return text


def _word(text: str, _: str) -> str:
    return text.strip().lower()


COUNT = Kind("number", parsing.parse_count)
WHOLE = Kind("integer", parsing.parse_count, whole=True)
STAGE = Kind("integer", parsing.parse_amount, whole=True)
"""A whole number that may be 0."""
AMOUNT = Kind("number", parsing.parse_amount)
SHARE = Kind("share", parsing.parse_share, unit="1")
HOURS = Kind("hours", parsing.parse_duration_h, unit="h")
BANDWIDTH = Kind("bandwidth", parsing.parse_byte_per_s, unit="byte/s")
USD = Kind("usd", parsing.parse_usd, unit="USD")
PRICE = Kind("usd", parsing.parse_price, unit="USD")
TEXT = Kind("text", _as_written, number=False)
CHOICE = Kind("choice", _word, number=False)
NAMES = Kind("text", _names, number=False)
FLAG = Kind("flag", _as_written, number=False)
MODEL = Kind("name|file", _as_written, number=False)
CLUSTER = Kind("name:count", _as_written, number=False)
PLACE = Kind("place", _as_written, number=False)
PROVIDER = Kind("provider", _as_written, number=False)
MONTH = Kind("month", _as_written, number=False)


class Field(NamedTuple):
    """One field of a scenario; numbers without ``least`` are above 0."""

    name: str
    section: str
    kind: Kind
    help: str
    unit: str = ""
    least: float | None = None
    most: float = math.inf
    choices: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """The option of the command line."""
        return spelling.flag(self.name)

    def read(self, text: str) -> Any:
        """The value of a text as people write it: ``"79h"``, ``"300B"``, ``"$10k"``.

        Raises FootprintError with the forms it takes.
        """
        kind = CHOICE if self.choices else self.kind
        value = kind.read(text, self._named)
        return int(value) if kind.whole and value == int(value) else value

    def check(self, value: Any) -> None:
        """FootprintError unless the value is of the right kind, within its bounds, among its choices."""
        if self.kind.number:
            self._check_number(value)
        elif self.kind not in (NAMES, FLAG, CHOICE) and not (
            isinstance(value, str) and value.strip() and value.isprintable()
        ):
            raise FootprintError(f"{self._named} must be a name, not {value!r}")
        if self.kind is MONTH:
            parsing.parse_month(value, self._named)
        if self.choices and value not in self.choices:
            raise FootprintError(f"{self._named} must be one of {', '.join(self.choices)}, not {value!r}")

    def _check_number(self, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FootprintError(f"{self._named} must be a number, not {value!r}")
        if not math.isfinite(value):
            raise FootprintError(f"{self._named} must be finite, not {value}")
        if self.kind.whole and value != int(value):
            raise FootprintError(f"{self._named} must be a whole number, not {value}")
        if self.least is not None and value < self.least:
            raise FootprintError(f"{self._named} must be at least {self.least:g}, not {value:g}")
        if self.least is None and value <= 0:
            raise FootprintError(f"{self._named} must be above 0, not {value:g}")
        if value > self.most:
            raise FootprintError(f"{self._named} must be at most {self.most:g}, not {value:g}")

    @property
    def _named(self) -> str:
        """The field in a message (see `footprint.spelling`)."""
        return f"`{self.name}=`"


def said(
    section: str,
    kind: Kind,
    text: str,
    *,
    unit: str = "",
    least: float | None = None,
    most: float = math.inf,
    choices: tuple[str, ...] = (),
) -> dict[str, tuple[Any, ...]]:
    """The metadata of a field of the request: what `Field` says of it, but for its name."""
    return {"said": (section, kind, text, unit or kind.unit, least, most, choices)}


def about(section: str, kind: Kind, text: str, *, default: Any = None, **more: Any) -> Any:
    """The declaration of a field that may be left out."""
    return field(default=default, metadata=said(section, kind, text, **more))


def fields_of(request: Any) -> dict[str, Field]:
    """The table: name -> what is said of the field, in the order of declaration."""
    return {name: Field._make((name, *one["said"])) for name, one in metadata_of(request).items()}


JOINED = ("anchor",)
"""Fields that may be given several times, and whose values are one text, joined by semicolons."""


def joined(value: object) -> object:
    """One text of several; any other value as it is."""
    several = isinstance(value, list | tuple) and value and all(isinstance(one, str) for one in value)
    return "; ".join(map(str, value)) if several and isinstance(value, list | tuple) else value


OWNING = ("capital_usd", "electricity_usd_per_kwh", "owned")
"""Fields that say that the hardware is owned; without ``capital_usd`` it is paid for."""
_NOT_TEXT = ("tgt_seq_len", "image_size")
_OF_ADAPTERS = ("lora_rank", "lora_targets", "lora_dropout")
_OTHER_FLOP = (*_OF_ADAPTERS, "frozen", "input_gradients", "predicted_positions")
NOT_OF_GENERIC = {
    "parameters": _NOT_TEXT,
    "flop_per_token": (*_NOT_TEXT, *_OTHER_FLOP),
    "flop_per_sample": (
        *_NOT_TEXT, *_OTHER_FLOP, "tokens", "seq_len", "document_length", "packing",
        "padding_share", "tokens_per_second", "tp", "pp",
        "cp", "dp", "ep", "zero", "interleaving", "objective", "micro_batch", "recompute", "anchor",
        "overlap", "stack_date",
    ),
}  # fmt: skip
"""Fields that mean nothing for a model of which only the size is known."""


OWNING = ("capital_usd", "electricity_usd_per_kwh", "owned")
"""Fields that say that the hardware is owned; without ``capital_usd`` it is paid for."""


def require_consistent(request: Any) -> None:
    """FootprintError for values that contradict each other, or mean nothing together."""
    if request.hours is not None and request.goodput is not None:
        raise FootprintError("`hours=` is wall-clock time, which includes lost time: leave out `goodput=`")
    if request.memory_scope is not None and request.memory_gib is None:
        raise FootprintError("`memory_scope=` says what `memory_gib=` is the peak of: give `memory_gib=`")
    if request.padding_share is not None and not request.packing:
        raise FootprintError("`padding_share=` says how much `packing=` drops: add `packing=True`")
    if request.steps is not None and request.epochs is not None:
        raise FootprintError("`steps=` and `epochs=` both set the amount of training: give one")
    if request.usd_per_hour is not None and (request.provider or request.purchase):
        raise FootprintError("`usd_per_hour=` sets the price: leave out `provider=` and `purchase=`")
    owns = next((name for name in OWNING if is_set(getattr(request, name))), None)
    if owns is not None and (request.provider or request.purchase or request.usd_per_hour is not None):
        raise FootprintError(f"`{owns}=` means owned hardware: leave out what rents it")
    if request.owned and request.capital_usd is not None:
        raise FootprintError("`owned=` leaves out the purchase that `capital_usd=` gives: give one")
    _require_generic(request)
    _require_adapted(request)


def _require_generic(request: Any) -> None:
    """FootprintError for values that a model of which only a size is known does not have."""
    if request.active_parameters is not None:
        if request.parameters is None:
            raise FootprintError("`active_parameters=` needs `parameters=`, of which they are a part")
        if request.active_parameters > request.parameters:
            raise FootprintError(
                f"`active_parameters={request.active_parameters:g}` cannot be more than "
                f"`parameters={request.parameters:g}`"
            )
    for size, others in NOT_OF_GENERIC.items():
        wrong = [name for name in others if is_set(getattr(request, name))]
        if size != "parameters" and request.method in ADAPTED:
            wrong = ["method"]
        if getattr(request, size) is not None and wrong:
            raise FootprintError(
                f"`{wrong[0]}=` has no meaning with `{size}=` alone: leave it out, or "
                "describe the model in a config.json"
            )


def _require_adapted(request: Any) -> None:
    """FootprintError for adapters' options without a method that has adapters."""
    given = [f"`{name}=`" for name in _OF_ADAPTERS if is_set(getattr(request, name))]
    if given and request.method not in ADAPTED:
        raise FootprintError(f"{' and '.join(given)} need{'s' * (len(given) == 1)} `method=` lora or qlora")


def is_set(value: object) -> bool:
    """Whether a field's value was given: nothing, an empty list and a flag that is off were not, 0 was."""
    return not (value is None or value is False or value == ())


def missing_hw() -> FootprintError:
    """The error for a scenario without accelerators."""
    return FootprintError("`hw=` is missing: say which accelerators, such as `hw='v100:8'`")
