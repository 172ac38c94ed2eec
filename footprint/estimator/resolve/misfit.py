"""What is said of a step that needs clearly more memory than its accelerators have."""

from __future__ import annotations

from collections.abc import Sequence

from footprint.catalog.hardware.find import load_shipped, shipped_ids
from footprint.errors import FootprintError
from footprint.estimator.facts import Facts
from footprint.estimator.resolve.method import shared_state_byte
from footprint.estimator.resolve.resolve import resolve
from footprint.estimator.resolve.shared import Shared
from footprint.performance.step import StepPrediction, predict
from footprint.records import replace
from footprint.results.human import figures
from footprint.results.misfit import CLEAR_MISFIT, Misfit
from footprint.schema import Accelerator
from footprint.units import BYTE_PER_GIB
from footprint.vocabulary import ADAPTED

MOST = 2**17
"""Accelerators up to which a count that fits is looked for."""


def forced(facts: Facts, parts: Sequence[StepPrediction] | None, needed_byte: float) -> Misfit:
    """The warning that marks an answer which was forced."""
    return Misfit(f"{CLEAR_MISFIT}{_what(facts, parts, needed_byte)}")


def refused(facts: Facts, parts: Sequence[StepPrediction] | None, needed_byte: float) -> str:
    """The message of the error: what is needed, the count that fits, and other ways."""
    chip, here = facts.cluster.accelerator, facts.cluster.count
    hw = _fitting(facts, chip.id, here * 2)
    count = (
        f"no count up to {MOST:,} fits"
        if hw is None
        else f"`hw={hw}` fits (the first of 2, 4, 8, ... times as many)"
    )
    fewer = MOST if hw is None else int(hw.rpartition(":")[2]) // 2
    other = next((found for name in _roomier(chip) if (found := _fitting(facts, name, here, fewer))), None)
    if other is not None:
        count += f", and `hw={other}`, a variant with more memory, {'fits' if hw is None else 'does too'}"
    request, ways = facts.request, []
    # What is trained from nothing, as a plan's model, has no weights to adapt.
    if request.method != "pretrain" and facts.training.method not in ADAPTED:
        ways += ["`method='lora'`", "`method='qlora'`"]
    if request.recompute not in (None, "full"):
        ways.append("`recompute='full'`")
    if request.optimizer != "adam8bit":
        ways.append("`optimizer='adam8bit'`")
    less = f"; less memory is needed with {' or '.join(ways)}" if ways else ""
    return (
        f"{_what(facts, parts, needed_byte)}; {count}{less}; offload to other memory is not modelled; "
        "or insist with `force=True`"
    )


def _what(facts: Facts, parts: Sequence[StepPrediction] | None, needed_byte: float) -> str:
    chip, count = facts.cluster.accelerator, facts.cluster.count
    wrong = next((part.warnings[0] for part in parts or () if not part.fits), None)
    if wrong is None:
        wrong = f"weights, gradients and optimiser states do not fit into the {chip.memory_gib:g} GiB of "
        wrong += chip.name
    gib = needed_byte / BYTE_PER_GIB
    each = "" if count == 1 else f" of each of {count:,} accelerators"
    times = figures(gib / chip.memory_gib, 2)
    return f"{wrong}; at least {gib:,.0f} GiB{each} are needed, {times} times what is there"


def _fitting(facts: Facts, chip: str, count: int, most: int = MOST) -> str | None:
    """The smallest cluster of a chip that the step fits, of counts that double."""
    shared = Shared()
    while count <= most:
        hw = f"{chip}:{count}"
        try:
            if fits(resolve(replace(facts.request, hw=hw), facts.anchors, shared=shared)):
                return hw
        except FootprintError:
            pass  # neither the layout nor the batch has to suit every count
        count *= 2
    return None


def _roomier(chip: Accelerator) -> list[str]:
    """The variant of a chip in the same form with more memory, such as the V100 with 32 GB."""
    stem = chip.id.rpartition("-")[0]
    same = [name for name in shipped_ids() if stem and name.rpartition("-")[0] == stem]
    return [name for name in same if load_shipped(name).memory_gib > chip.memory_gib]


def fits(facts: Facts) -> bool:
    """Whether some layout of the step fits; where no step is predicted, whether its states do."""
    if all(step.machine is not None for step in facts.steps):
        return all(predict(step).fits for step in facts.steps)
    return bool(shared_state_byte(facts) <= facts.cluster.accelerator.memory_gib * BYTE_PER_GIB)
