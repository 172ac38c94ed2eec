"""Anchors: measurements of the user's own stack, kept by name or given as a file.

An anchor file is a scenario with a measured time (``step_time_s``, ``tokens_per_second`` or
``samples_per_second``). What it says of the model is worked out anew each time it is used, so
that it stays true when the model changes.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from footprint.catalog.files import read_toml, user_folder
from footprint.catalog.names import unknown
from footprint.errors import DataFileError, FootprintError
from footprint.estimator.request import EstimateRequest
from footprint.estimator.scenario import Scenario
from footprint.performance.anchoring import NEAR, Anchor, weight_of
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
        raise FootprintError(f"anchor {name} exists: choose another --name or add --overwrite")
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
        raise FootprintError(f"{origin}: an anchor needs the model that was measured: give --model")
    if not any(getattr(request, field) is not None for field in MEASURED):
        options = ", ".join("--" + field.replace("_", "-") for field in MEASURED)
        raise FootprintError(f"{origin}: an anchor needs a measured time: give one of {options}")
    if request.anchor is not None:
        raise FootprintError(f"{origin}: an anchor cannot rest on another anchor: leave out --anchor")
    return request


def anchor_of(name: str, request: EstimateRequest) -> Anchor:
    """What a measured scenario says of the model: measured over predicted step time.

    Raises FootprintError where the two are so far apart that the measurement must be a slip.
    """
    from footprint.estimator.chain import estimate

    measured = estimate(request)
    plain = replace(request, step_time_s=None, tokens_per_second=None, samples_per_second=None)
    predicted = estimate(plain)
    if measured.step_time_s is None or predicted.step_time_s is None or measured.workload is None:
        raise FootprintError(f"anchor {name}: the step of {request.model} cannot be predicted")
    ratio = measured.step_time_s.mid / predicted.step_time_s.mid
    if abs(math.log(ratio)) > math.log(MOST_OFF) and not request.force:
        raise FootprintError(
            f"anchor {name}: the measured step of {measured.step_time_s.mid:.4g} s is {ratio:.3g} times "
            f"the predicted {predicted.step_time_s.mid:.4g} s: check units, batch and count, or insist "
            "with --force"
        )
    phase = max(measured.workload.phases, key=lambda p: p.steps * p.sequences_per_step)
    return Anchor(
        name=name,
        ratio=ratio,
        accelerator=measured.cluster.accelerator,
        precision=measured.workload.precision,
        parameters=measured.model.parameters if measured.model else 0.0,
        sequence_length=float(phase.sequence_length or 0),
    )


def nearest_anchor(names: str, scenario: Scenario) -> tuple[Anchor, EstimateRequest]:
    """Of the anchors named, with commas between, the one that says most of a scenario."""
    known = []
    for part in names.split(","):
        name, measured = read_anchor(part.strip())
        known.append((anchor_of(name, measured), measured))
    return max(known, key=lambda pair: _worth(pair[0], scenario))


def _worth(anchor: Anchor, scenario: Scenario) -> float:
    """Share of an anchor's deviation that carries over to a scenario [1]; 0 on another chip or precision."""
    if not anchor.applies(scenario.cluster.accelerator.id, scenario.precision):
        return 0.0
    parameters = scenario.model.parameters if scenario.model is not None else None
    phases = scenario.workload.phases if scenario.workload is not None else ()
    length = max((phase.sequence_length or 0 for phase in phases), default=0)
    return weight_of(float(parameters or anchor.parameters), float(length), anchor)


def measured_power(
    request: EstimateRequest, measured: EstimateRequest, anchor: Anchor, scenario: Scenario
) -> tuple[tuple[Assumption, ...], EstimateRequest]:
    """The request with the anchor's board power [W], and the row that says so.

    Only where the anchor has one, the request has none, and both are nearly the same job: the
    same chip and precision, model and sequence length near enough to count as such.
    """
    watts = measured.accelerator_power_w
    if watts is None or request.accelerator_power_w is not None or request.it_power_w is not None:
        return (), request
    if not scenario.workload or _worth(anchor, scenario) < NEAR:
        return (), request
    row = Assumption(
        name=f"anchor {anchor.name}: power of one board", value=watts, unit="W", basis="measured",
        source="your own measurement", option="--accelerator-power-w",
    )  # fmt: skip
    return (row,), replace(request, accelerator_power_w=watts)
