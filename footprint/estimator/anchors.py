"""Anchors: measurements of the user's own stack, kept by name or given as a file.

An anchor file is a scenario with a measured time (``step_time_s``, ``tokens_per_second`` or
``samples_per_second``). What it says of the model is worked out anew each time it is used, so
that it stays true when the model changes.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from footprint.catalog.files import read_toml, user_folder
from footprint.catalog.names import unknown
from footprint.errors import DataFileError, FootprintError
from footprint.estimator.facts import Facts
from footprint.estimator.predict import amounts_of, known_step_time_s, predicted_step_time_s
from footprint.estimator.request import EstimateRequest
from footprint.estimator.resolve import resolve
from footprint.estimator.workload import samples_of
from footprint.performance.anchoring import NEAR, Anchor, weight_of
from footprint.records import replace
from footprint.results import Assumption

SCHEMA = "footprint/anchor/1"
MEASURED = ("step_time_s", "tokens_per_second", "samples_per_second")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
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


def read_anchor(name_or_file: str) -> tuple[str, EstimateRequest]:
    """Name and measured scenario of an anchor, by name or as a file.

    Raises UnknownNameError for a name that is not kept, DataFileError for a file that is no anchor.
    """
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


def anchor_of(name: str, request: EstimateRequest) -> Anchor:
    """What a measured scenario says of the model: measured over predicted step time.

    Raises FootprintError where the two are so far apart that the measurement must be a slip.
    """
    facts = resolve(request)
    workload = facts.workload
    amounts = None if workload is None else amounts_of(workload, facts.steps)
    measured = None if amounts is None else known_step_time_s(request, amounts, facts)
    if measured is None or workload is None:
        raise FootprintError(f"anchor {name}: the step of {request.model} cannot be predicted")
    predicted = predicted_step_time_s(facts)
    ratio = measured.mid / predicted.mid
    if abs(math.log(ratio)) > math.log(MOST_OFF) and not request.force:
        raise FootprintError(
            f"anchor {name}: the measured step of {measured.mid:.4g} s is {ratio:.3g} times "
            f"the predicted {predicted.mid:.4g} s: check units, batch and count, or insist "
            "with `force=True`"
        )
    phase = max(workload.phases, key=samples_of)
    return Anchor(
        name=name,
        ratio=ratio,
        accelerator=facts.cluster.accelerator.id,
        precision=facts.precision,
        parameters=float(facts.step_flops[0].parameters.total),
        sequence_length=float(phase.sequence_length or 0),
    )


def anchored(facts: Facts) -> Facts:
    """The facts with the measurement of the user's own stack that the request names, nearest first.

    Of an anchor that is nearly the same job (the same chip and precision, model and sequence length
    near enough to count as such) the board power is taken as well, where it has one and the request has
    none.
    """
    request = facts.request
    known = []
    for part in (request.anchor or "").split(","):
        name, measured = read_anchor(part.strip())
        known.append((anchor_of(name, measured), measured))
    anchor, measured = max(known, key=lambda pair: _worth(pair[0], facts))
    watts = measured.accelerator_power_w
    given = request.accelerator_power_w is not None or request.it_power_w is not None
    rows: tuple[Assumption, ...] = ()
    if watts is not None and not given and facts.workload and _worth(anchor, facts) >= NEAR:
        request = replace(request, accelerator_power_w=watts)
        row = Assumption(
            name=f"anchor {anchor.name}: power of one board", value=watts, unit="W", basis="measured",
            source="your own measurement", option="--accelerator-power-w",
        )  # fmt: skip
        rows = (row,)
    return replace(resolve(request, anchor), anchor_rows=rows)


def _worth(anchor: Anchor, facts: Facts) -> float:
    """Share of an anchor's deviation that carries over to a scenario [1]; 0 on another chip or precision."""
    if not anchor.applies(facts.cluster.accelerator.id, facts.precision):
        return 0.0
    parameters = facts.step_flops[0].parameters.total if facts.step_flops else anchor.parameters
    phases = facts.workload.phases if facts.workload is not None else ()
    length = max((phase.sequence_length or 0 for phase in phases), default=0)
    return weight_of(float(parameters), float(length), anchor)
