"""What a serving answer is asked for: the options of ``footprint inference`` as fields.

Place, price and cluster are fields of a scenario (`footprint.estimator.request`), which this request
holds. So both commands read and check them alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from footprint.errors import FootprintError
from footprint.estimator.fields import (
    CHOICE,
    COUNT,
    FLAG,
    MODEL,
    NAMES,
    TEXT,
    WHOLE,
    Field,
    about,
    is_set,
    missing_hw,
    said,
)
from footprint.estimator.request import FIELDS, EstimateRequest
from footprint.records import field, record
from footprint.serving.prompting import find_technique, technique_ids
from footprint.serving.steps import WEIGHT_BYTE

SHARED = (
    "hw", "name", "force", "it_power_w", "accelerator_power_w",
    *(name for name, one in FIELDS.items() if one.section in ("cluster", "place", "price")),
)  # fmt: skip
"""Fields of a scenario that mean the same here."""
MOST_TOKENS = 10**7


@record
class InferenceRequest:
    """One question about serving; what is None was not given."""

    model: str = field(
        metadata=said("what and where", MODEL, "A model as in `footprint estimate`, or several: a,b.")
    )
    scenario: EstimateRequest
    """Cluster, place and price."""
    prompt_tokens: int | None = about("load", WHOLE, "Tokens of a prompt.", most=MOST_TOKENS)
    output_tokens: int | None = about("load", WHOLE, "Tokens written for a request.", most=MOST_TOKENS)
    image_size: int | None = about("load", WHOLE, "Width and height of an image in pixels.", most=10**5)
    batch_size: int | None = about(
        "load", WHOLE, "Sequences in work at once, on all chips together.", most=10**6
    )
    concurrency: int | None = about(
        "load", WHOLE, "Requests that are open at once; those beyond the largest batch wait.", most=10**7
    )
    requests: float | None = about(
        "load", COUNT, "Number of requests, for a total beside that of 1,000.", most=1e15
    )
    engine: str | None = about("execution", TEXT, "Serving software, such as vllm (a typical one).")
    precision: str | None = about(
        "execution", CHOICE, "Number format of the weights.", choices=tuple(WEIGHT_BYTE)
    )
    tp: int | None = about(
        "execution", WHOLE, "Chips that share one copy of the model (all of a node).", most=10**4
    )
    ep: int | None = about(
        "execution", WHOLE, "Chips that divide the experts; each holds all other weights.", most=10**4
    )
    technique: tuple[str, ...] = about(
        "techniques", NAMES, "few-shot, cot, self-consistency, tot, best-of; comma-separated.", default=()
    )
    paths: int | None = about("techniques", WHOLE, "Sampled answers of a request.", most=10**5)
    break_even: bool = about(
        "techniques", FLAG, "Say after how many requests serving has cost more than training.", default=False
    )

    def __post_init__(self) -> None:
        for name, one in OWN.items():
            value = getattr(self, name)
            if is_set(value):
                one.check(value)
        if self.batch_size is not None and self.concurrency is not None:
            raise FootprintError(
                "`batch_size=` and `concurrency=` contradict: each says how much is in work at once; give one"
            )
        if self.tp is not None and self.ep is not None and self.tp > 1:
            raise FootprintError("`tp=` above 1 and `ep=` are not covered together: give one")
        known = technique_ids() if self.technique else []
        for name in self.technique:
            if name not in known:
                from footprint.catalog.names import unknown

                raise unknown("technique", name, known, f"one of: {', '.join(known)}")
        if self.paths is not None and not any(find_technique(name).is_sampled for name in self.technique):
            raise FootprintError("`paths=` counts the answers of self-consistency: give `technique=` too")

    def given(self) -> dict[str, Any]:
        """The fields that were set, in order: what a file of ``--save`` holds."""
        own = {name: getattr(self, name) for name in OWN}
        shared = {name: value for name, value in self.scenario.given().items() if name in SHARED}
        values = {"model": self.model, **shared, **own}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items() if is_set(v)}

    @classmethod
    def from_mapping(cls, raw: Mapping[str, Any], origin: str) -> InferenceRequest:
        """A request from its fields; FootprintError names what is unknown or missing."""
        for key in raw:
            if key not in OWN and key not in SHARED:
                from footprint.catalog.names import unknown

                raise unknown("field", str(key), [*OWN, *SHARED], hint=origin)
        if "hw" not in raw:
            raise missing_hw()
        if "model" not in raw:
            raise FootprintError("`model=` is missing: say what is served, such as `model='llama3.1-8b'`")
        # Hours stand for a run of any length; the scenario is looked up for its place, price and power.
        scenario = EstimateRequest.from_mapping(
            {"hours": 1.0, **{name: value for name, value in raw.items() if name in SHARED}}, origin
        )
        own = {name: _read(name, value) for name, value in raw.items() if name in OWN}
        return cls(scenario=scenario, **own)


def _read(name: str, value: Any) -> Any:
    """The value of a field, whose text is read as people write it."""
    if OWN[name].kind is NAMES:
        parts = value.split(",") if isinstance(value, str) else list(value)
        return tuple(str(part).strip().lower() for part in parts if str(part).strip())
    if name == "model" and isinstance(value, list | tuple):
        value = ",".join(map(str, value))
    return OWN[name].read(value) if isinstance(value, str) else value


OWN = {
    one.name: Field._make((one.name, *one.metadata["said"]))
    for one in fields(InferenceRequest)
    if "said" in one.metadata
}
"""Field name -> what is said of it; the scenario's own fields apart."""
