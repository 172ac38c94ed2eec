"""What an answer says of options that change nothing in it, and of a batch that is not shared evenly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from footprint.estimator.facts import Facts
from footprint.estimator.prediction import Prediction
from footprint.estimator.request import FIELDS, TIME_FIELDS
from footprint.estimator.workload import known
from footprint.results.human import counted, figures
from footprint.vocabulary import ADAPTED

OF_A_MODEL = ("workload", "method", "execution")
"""Sections of options that say what is trained, and how."""
_KEPT = ("precision",)
"""Of these, what an answer without a model shows as well."""
_OF_A_PREDICTED_STEP = ("stack", "overlap", "stack_date", "attention", "optimizer")
"""Options of a step whose time is the sum of its terms."""
_OF_TEXT = ("document_length", "predicted_positions")
"""Options of a sequence of tokens."""


def unheeded(facts: Facts, prediction: Prediction) -> Iterator[str]:
    """Warnings of what was given and changes nothing, and of uneven shares of a batch."""
    yield from said_of(_without_effect(facts))
    yield from _uneven(facts, prediction)


def said_of(found: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    """A warning for each reason that makes some given options change nothing."""
    for reason, names in found:
        if names:
            yield f"without effect here, as {reason}: {', '.join(f'`{name}=`' for name in names)}"


def of_the_cluster(facts: Facts) -> Iterator[tuple[str, list[str]]]:
    """Given options of communication that change nothing on these accelerators, and why."""
    given, cluster = facts.request.given(), facts.cluster
    names = [name for name in given if name in ("overlap", "network_byte_per_s")]
    if cluster.count == 1:
        yield "one accelerator communicates with no other", names
    elif cluster.nodes <= 1:
        yield "all accelerators are in one node", [name for name in names if name != "overlap"]
    elif cluster.accelerator.kind == "tpu" and cluster.accelerator.measured_w is not None:
        yield "the chips of a slice have links of their own", [name for name in names if name != "overlap"]


def of_the_years(facts: Facts, *, embodied: bool) -> Iterator[tuple[str, list[str]]]:
    """Given years of service that spread neither embodied CO2e nor a price, and why."""
    given = facts.request.given()
    if not embodied and "capital_usd" not in given:
        names = [name for name in given if name in ("lifetime_years", "utilisation")]
        yield "neither embodied CO2e nor a price of the hardware is spread over years", names


def _without_effect(facts: Facts) -> Iterator[tuple[str, list[str]]]:
    given = facts.request.given()
    yield from of_the_years(facts, embodied=facts.embodied is not None)
    if facts.model is None:
        of_a_model = [name for name in given if FIELDS[name].section in OF_A_MODEL and name not in _KEPT]
        yield "no model is given", of_a_model
        if "overlap" not in of_a_model:
            yield from of_the_cluster(facts)
        return
    if facts.cluster.accelerator.kind == "cpu":
        yield "the step of a processor is timed by its MFU", [n for n in _OF_A_PREDICTED_STEP if n in given]
        given = {name: value for name, value in given.items() if name not in _OF_A_PREDICTED_STEP}
    elif any(name in given for name in TIME_FIELDS):
        yield "the time is given", [name for name in ("optimizer",) if name in given]
    yield from of_the_cluster(facts)
    phases = () if facts.workload is None else facts.workload.phases
    if phases and all(phase.sequence_length is None for phase in phases):
        yield "there is no text", [name for name in _OF_TEXT if name in given]
    longest = max((phase.sequence_length or 0 for phase in phases), default=0)
    if longest and (facts.request.document_length or 0) >= longest:
        yield f"a document fills a sequence of {longest:,} tokens", ["document_length"]
    if phases and facts.training.method not in ADAPTED and not facts.request.frozen:
        yield "all weights are trained", [name for name in given if name == "input_gradients"]


def _uneven(facts: Facts, prediction: Prediction) -> Iterator[str]:
    """A warning for each batch that the found layout's replicas cannot share evenly."""
    if facts.workload is None:
        return
    for phase, layout in zip(facts.workload.phases, prediction.layouts, strict=False):
        if layout is None:
            continue
        batch = known(phase.sequences_per_step)
        share = batch / layout.dp
        if share <= 1 or share == int(share):
            continue
        more = layout.dp * (int(share) + 1)
        yield (
            f"{layout.dp} replicas cannot share a batch of {counted(batch)} evenly: the time is that of the "
            f"mean share, {figures(share)}, and the fullest replica has {int(share) + 1}; Megatron-LM and "
            f"DeepSpeed refuse such a batch, torch's sampler pads it; "
            f"`batch_size={layout.dp * int(share)}` and {more} are even"
        )
