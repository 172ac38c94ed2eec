"""Anchors: measurements of the user's own stack, kept by name or given as a file.

An anchor file is a scenario with a measured time (``step_time_s``, ``tokens_per_second`` or
``samples_per_second``). An anchor may also be written out, ``MODEL HW key=value ...``. What it says of
the model is worked out anew each time it is used, so that it stays true when the model changes.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

from footprint.catalog.files import read_toml, user_folder
from footprint.catalog.names import unknown
from footprint.errors import DataFileError, FootprintError, MissingFactError
from footprint.estimator.facts import Facts
from footprint.estimator.fields import NAMES
from footprint.estimator.predict import Amounts, amounts_of, known_step_time_s, predicted_step_time_s
from footprint.estimator.request import AMOUNT_FIELDS, FIELDS, EstimateRequest
from footprint.estimator.resolve import resolve
from footprint.estimator.resolve.method import given_layout
from footprint.estimator.resolve.shared import Shared
from footprint.estimator.workload import samples_of
from footprint.performance.anchoring import NEAR, Anchor, job_of, likeness
from footprint.records import replace
from footprint.results import Assumption

SCHEMA = "footprint/anchor/1"
MEASURED = ("step_time_s", "tokens_per_second", "samples_per_second")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MOST = 20
"""Anchors of one estimate."""
MOST_CHARACTERS = 2000
_PAIR = re.compile(r"-{0,2}[A-Za-z][A-Za-z0-9_-]*=")
_FORM = "an anchor is 'MODEL HW key=value ...', such as 'llama2-7b a100:64 tokens_per_second=210k'"
MOST_OFF = 20.0
"""A measurement further than this from the prediction, either way, is a slip of units."""


def anchors_folder() -> Path:
    """Where named anchors are kept: in the user's own data folder."""
    return user_folder() / "anchors"


def anchor_names() -> list[str]:
    """Names of the anchors kept, sorted."""
    return sorted(path.stem for path in anchors_folder().glob("*.toml"))


def anchor_path(name: str) -> Path:
    """File of a named anchor; FootprintError for a name that is none."""
    if not _NAME.fullmatch(name):
        raise FootprintError(f"anchor name {name[:64]!r}: use letters, digits, dots, dashes and underscores")
    return anchors_folder() / f"{name}.toml"


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
    return any(_PAIR.match(word) for word in words) and not (len(words) == 1 and text.endswith(".toml"))


def parsed_anchor(text: str) -> tuple[str, EstimateRequest]:
    """Name and measured scenario of ``MODEL HW key=value ...``.

    Raises FootprintError for a text that is none, UnknownNameError for an unknown key, with the nearest.
    """
    if len(text) > MOST_CHARACTERS or not text.isprintable():
        raise FootprintError(f"an anchor is one line of at most {MOST_CHARACTERS} characters")
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
            raise FootprintError(f"anchor {_short(text)}: {key} is given twice")
        if not value:
            raise FootprintError(f"anchor {_short(text)}: {key} has no value")
        raw[key] = value
    for name in ("model", "hw"):
        if name not in raw and bare:
            raw[name] = bare.pop(0)
    if bare:
        raise FootprintError(f"anchor {_short(text)}: {_short(bare[0])} is no key=value; {_FORM}")
    for name in raw:
        if FIELDS[name].kind is NAMES:
            raw[name] = list(FIELDS[name].read(raw[name]))
    origin = f"anchor {_short(text)}"
    request = checked_measurement(raw, origin)
    return request.name or f"{request.model} {request.hw}", request


def _keys() -> tuple[str, ...]:
    """The fields of a scenario that say something of a step."""
    sections = ("workload", "method", "execution", "cluster")
    return (
        "model", "hw", "name", "year", "accelerator_power_w", *MEASURED,
        *(name for name, one in FIELDS.items() if one.section in sections),
    )  # fmt: skip


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def read_anchor(text: str) -> tuple[str, EstimateRequest]:
    """Name and measured scenario of an anchor: by name, as a file, or written out.

    Raises UnknownNameError for a name that is not kept, DataFileError for a file that is no anchor.
    """
    if is_written_out(text):
        return parsed_anchor(text)
    name_or_file = text
    if name_or_file.endswith(".toml") or "/" in name_or_file:
        path, name = Path(name_or_file), Path(name_or_file).stem
    else:
        path, name = anchor_path(name_or_file), name_or_file
        if not path.is_file():
            raise unknown("anchor", name_or_file, anchor_names(), "footprint anchor --list shows those kept")
    raw = read_toml(path)
    schema = raw.pop("schema", SCHEMA)
    if schema != SCHEMA:
        raise DataFileError(f"{path}: schema is {schema!r}, not {SCHEMA!r}")
    return name, checked_measurement(raw, str(path))


def keep_anchor(name: str, request: EstimateRequest, *, overwrite: bool = False) -> Path:
    """Keep a measured scenario under a name; FootprintError if the name is taken."""
    import tomli_w

    path = anchor_path(name)
    if path.exists() and not overwrite:
        raise FootprintError(f"anchor {name} exists: choose another `name=` or add `overwrite=True`")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tomli_w.dumps({"schema": SCHEMA, **request.given()}), encoding="utf-8")
    except OSError as error:
        raise FootprintError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def remove_anchor(name: str) -> None:
    """Forget a named anchor; UnknownNameError if there is none."""
    path = anchor_path(name)
    if not path.is_file():
        raise unknown("anchor", name, anchor_names())
    path.unlink()


def checked_measurement(raw: dict[str, Any], origin: str) -> EstimateRequest:
    """The measured scenario; FootprintError unless it has a model and exactly one measured time."""
    request = EstimateRequest.from_mapping(raw, origin)
    if request.model is None:
        raise FootprintError(f"{origin}: an anchor needs the model that was measured: give `model=`")
    if not any(getattr(request, field) is not None for field in MEASURED):
        options = ", ".join(f"`{field}=`" for field in MEASURED)
        raise FootprintError(f"{origin}: an anchor needs a measured time: give one of {options}")
    if request.anchor is not None:
        raise FootprintError(f"{origin}: an anchor cannot rest on another anchor: leave out `anchor=`")
    return request


def anchor_of(name: str, request: EstimateRequest, stack: str | None = None) -> Anchor:
    """What a measured scenario says of the model: measured over predicted step time.

    ``stack`` is the software of the estimate, which is that of a measurement that names none.

    Raises FootprintError where no hardware can be so fast, or where the two times are so far apart that the
    measurement must be a slip.
    """
    own = request.stack
    request = replace(request, stack=own or stack)
    facts = _resolved(request)
    workload = facts.workload
    amounts = None if workload is None else amounts_of(workload, facts.steps)
    measured = None if amounts is None else known_step_time_s(request, amounts, facts)
    if measured is None or workload is None or amounts is None:
        raise FootprintError(f"anchor {name}: the step of {request.model} cannot be predicted")
    _require_possible(name, facts, amounts, measured.mid)
    predicted = predicted_step_time_s(facts)
    ratio = measured.mid / predicted.mid
    if abs(math.log(ratio)) > math.log(MOST_OFF) and not request.force:
        raise FootprintError(
            f"anchor {name}: the measured step of {measured.mid:.4g} s is {ratio:.3g} times "
            f"the predicted {predicted.mid:.4g} s: check units, batch and count, or insist "
            "with `force=True`"
        )
    main = max(range(len(workload.phases)), key=lambda place: samples_of(workload.phases[place]))
    step = facts.steps[main]
    job = job_of(facts.step_flops[main], facts.cluster, facts.precision, given_layout(request))
    # Without an operation list the spread is that of the MFU, and the time goes as one over it.
    spread = step.spread if step.work is not None else 1.0 / step.spread
    return Anchor(name=name, ratio=ratio, job=job, stack=own, spread=spread)


def _resolved(request: EstimateRequest) -> Facts:
    """The facts of a measured scenario, of any number of steps where nobody says how many."""
    try:
        return resolve(request, alternatives=False)
    except MissingFactError:
        if any(getattr(request, name) is not None for name in (*AMOUNT_FIELDS, "schedule")):
            raise
        return resolve(replace(request, steps=1000.0), alternatives=False)


def _require_possible(name: str, facts: Facts, amounts: Amounts, measured_s: float) -> None:
    """FootprintError for a step in which the products within the masks alone exceed the peak."""
    flop = sum(
        steps * step.training_flop_causal for steps, step in zip(amounts.steps, facts.step_flops, strict=True)
    )
    peak = facts.steps[0].peak_flop_per_s
    least_s = flop / amounts.all_steps / (facts.cluster.count * peak)
    if measured_s < least_s:
        raise FootprintError(
            f"anchor {name}: the measured step of {measured_s:.4g} s means an MFU of "
            f"{least_s / measured_s:.3g}, and none is above 1: {facts.cluster.count} x "
            f"{facts.cluster.accelerator.id} need at least {least_s:.4g} s in {facts.precision}: check "
            "units, batch, count and `precision=`"
        )


def anchored(facts: Facts, *, possible: bool = True, shared: Shared | None = None) -> Facts:
    """The facts with the measurements of the user's own stack that the request names.

    Of the nearest anchor, if it is near (`NEAR`), the board power is taken as well, where it has one and
    the request has none.
    """
    request = facts.request
    known = []
    for text in anchors_in(request.anchor or ""):
        name, measured = read_anchor(text)
        known.append((anchor_of(name, measured, request.stack), measured))
    anchors = [anchor for anchor, _ in known]
    rows: tuple[Assumption, ...] = ()
    given = request.accelerator_power_w is not None or request.it_power_w is not None
    if facts.step_flops and not given:
        job = job_of(facts.step_flops[0], facts.cluster, facts.precision, given_layout(request))
        alike, watts, name = max(
            (likeness(job, anchor.job), measured.accelerator_power_w or 0.0, anchor.name)
            for anchor, measured in known
        )
        same = any(anchor.job.accelerator == job.accelerator for anchor in anchors if anchor.name == name)
        if watts and same and alike >= NEAR:
            request = replace(request, accelerator_power_w=watts)
            row = Assumption(
                name=f"anchor {name}: power of one board", value=watts, unit="W", basis="measured",
                source="your own measurement", option="--accelerator-power-w",
            )  # fmt: skip
            rows = (row,)
    resolved = resolve(request, anchors, possible=possible, shared=shared)
    return replace(resolved, anchor_rows=rows)
