"""Measured scenarios: checked, and read from a line of text."""

from __future__ import annotations

import os
import re
from typing import Any

from footprint.catalog.hardware.misread import shown
from footprint.catalog.names import unknown
from footprint.errors import FootprintError, UnknownNameError
from footprint.estimator.fields import NAMES
from footprint.estimator.request import FIELDS, EstimateRequest
from footprint.units import BYTE_PER_GIB

MEASURED = ("step_time_s", "tokens_per_second", "samples_per_second", "memory_gib")
BYTE = "memory_byte"
"""Another key of the measured memory: as programs count it."""
MOST = 20
"""Anchors of one estimate."""
MOST_CHARACTERS = 2000
_PAIR = re.compile(r"-{0,2}[A-Za-z][A-Za-z0-9_-]*=")
_CLUSTER = re.compile(r"[^:]+:\d+")
_FORM = "an anchor is 'MODEL HW key=value ...', such as 'llama2-7b a100:64 tokens_per_second=210k'"


def anchors_in(text: str) -> list[str]:
    """The anchors that a request names, each as a name, a file or a measurement, in order and once.

    Semicolons separate them, and commas separate names and files. FootprintError if there are none, or
    more than `MOST`.
    """
    found: list[str] = []
    for part in [text] if os.path.isfile(text) else text.split(";"):  # noqa: PTH113 - one name
        found += [part.strip()] if is_written_out(part) else [one.strip() for one in part.split(",")]
    if "" in found:
        raise FootprintError("`anchor=` has an empty value: give a name, a file or a measurement")
    if len(found) > MOST:
        raise FootprintError(f"`anchor=` takes at most {MOST} anchors, not {len(found)}")
    return list(dict.fromkeys(found))


def is_written_out(text: str) -> bool:
    """Whether a text is a measurement itself, such as ``gpt2 a100:8 step_time_s=0.5``, not a name or file."""
    words = text.split()
    if len(words) > 1 and not any("/" in word or word.endswith(".toml") for word in words):
        return True  # no name has a space; a measurement without its time is told what it lacks
    return any(_PAIR.match(word) for word in words) and not (len(words) == 1 and text.endswith(".toml"))


def parsed_anchor(text: str) -> tuple[str, EstimateRequest]:
    """Name and measured scenario of ``MODEL HW key=value ...``.

    Raises FootprintError for a text that is no anchor, UnknownNameError for an unknown key, with the nearest.
    """
    if len(text) > MOST_CHARACTERS or not text.isprintable():
        raise FootprintError(f"an anchor is one line of at most {MOST_CHARACTERS} characters")
    origin = f"anchor {shown(text)}"
    raw = _fields_in(text, origin)
    for name in raw:
        if name in FIELDS and FIELDS[name].kind is NAMES:
            raw[name] = list(FIELDS[name].read(raw[name]))
    try:
        request = checked_measurement(raw, origin)
    except UnknownNameError:
        raise
    except FootprintError as error:  # of a value that the anchor gives, not the estimate
        said = str(error)
        raise FootprintError(said if said.startswith(origin) else f"{origin}: {said}") from None
    measured = next(f"{field}={raw[field]}" for field in (*MEASURED, BYTE) if field in raw)
    return request.name or f"{request.model} {request.hw} {measured}", request


def _fields_in(text: str, origin: str) -> dict[str, Any]:
    """The values of a measurement by field: those with keys, and the bare words, model and accelerators."""
    raw: dict[str, Any] = {}
    bare = []
    for word in text.split():
        key, equals, value = word.partition("=")
        if not equals:
            bare.append(word)
            continue
        key = key.lstrip("-").replace("-", "_").lower()
        if key not in _keys():
            raise unknown("anchor key", key, _keys(), _FORM)
        if key in raw:
            raise FootprintError(f"{origin}: {key} is given twice")
        if not value:
            raise FootprintError(f"{origin}: {key} has no value")
        raw[key] = value
    if "hw" not in raw and len(bare) == 1 and _CLUSTER.fullmatch(bare[0]):
        raw["hw"] = bare.pop()
    for name in ("model", "hw"):
        if name not in raw and bare:
            raw[name] = bare.pop(0)
    if bare:
        raise FootprintError(f"{origin}: {shown(bare[0])} is no key=value; {_FORM}")
    return raw


def _keys() -> tuple[str, ...]:
    """The fields of a scenario that say something of a step."""
    sections = ("workload", "method", "execution", "cluster")
    return (
        "model", "hw", "name", "year", "accelerator_power_w", *MEASURED, "memory_scope", BYTE,
        *(name for name, one in FIELDS.items() if one.section in sections),
    )  # fmt: skip


def checked_measurement(raw: dict[str, Any], origin: str) -> EstimateRequest:
    """The measured scenario; FootprintError unless it has a model, and a measured time or memory."""
    request = EstimateRequest.from_mapping(_in_gib(raw, origin), origin)
    if request.model is None:
        raise FootprintError(f"{origin}: an anchor needs the model that was measured: give `model=`")
    if not any(getattr(request, field) is not None for field in MEASURED):
        options = ", ".join(f"`{field}=`" for field in MEASURED)
        raise FootprintError(f"{origin}: an anchor needs a measured time or memory: give one of {options}")
    if request.anchor is not None:
        raise FootprintError(f"{origin}: an anchor cannot rest on another anchor: leave out `anchor=`")
    return request


def _in_gib(raw: dict[str, Any], origin: str) -> dict[str, Any]:
    """The values with a memory in bytes as one in GiB."""
    if BYTE not in raw:
        return raw
    if "memory_gib" in raw:
        raise FootprintError(f"{origin}: {BYTE} and `memory_gib=` are the same peak: give one")
    field, value = FIELDS["memory_gib"], raw[BYTE]
    byte = field.read(value) if isinstance(value, str) else value
    if isinstance(byte, int | float) and not isinstance(byte, bool):
        byte = min(max(byte, -1e300), 1e300) / BYTE_PER_GIB  # a whole number may have any size
    return {name: one for name, one in raw.items() if name != BYTE} | {"memory_gib": byte}
