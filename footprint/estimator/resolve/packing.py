"""Sequences whose padding is dropped: several are packed into one, and attention stays within each.

Without packing, the tokens of a workload include padding, and all are computed. With it, the tokens that are
processed are real ones. A step still trains on its batch of sequences, which fill fewer rows.
"""

from __future__ import annotations

from collections.abc import Mapping

from footprint.catalog.assumptions import Assumed, assumed
from footprint.errors import FootprintError
from footprint.estimator.request import EstimateRequest
from footprint.estimator.workload import Choice, known, tokens_per_sequence
from footprint.records import replace
from footprint.results import Assumption
from footprint.schema import Phase

PADDING = "padding"
PARTS = 16
PAIRS = ("nsp", "sop")
"""Objectives whose inputs are two segments, which seldom fill a sequence."""
LONG = 256
"""Sequences of at least so many tokens have the padding of 512, shorter ones that of 128."""


def packed(
    request: EstimateRequest,
    method: str,
    objective: str,
    phases: tuple[Phase, ...],
    fixed: Mapping[str, float],
) -> tuple[tuple[Phase, ...], list[Assumption], list[Choice]]:
    """The phases without padding, what was assumed of it, and its interval.

    ``fixed`` may hold the end of the interval that is meant: -1 the low one, 1 the high one.

    Raises FootprintError where there is no text, and for a throughput in sequences.
    """
    if any(tokens_per_sequence(phase) == 0 for phase in phases):
        raise FootprintError("`packing=` drops the padding of text: leave it out for images and audio")
    if request.samples_per_second is not None:
        raise FootprintError(
            "`packing=` changes what a sequence is: give `tokens_per_second=` of real tokens"
        )
    if request.document_length is not None:
        raise FootprintError(
            "`packing=` keeps attention within each sequence: leave out `document_length=`, which is the "
            "mean length of documents in sequences that are full"
        )
    rows: list[Assumption] = []
    found: list[Phase] = []
    choices: list[Choice] = []
    for phase in phases:
        share = request.padding_share
        if share is None:
            number = _usual(method, objective, phase)
            if number is None:
                rows = [_FULL]
                found.append(phase)
                continue
            end = fixed.get(PADDING, 0.0)
            share = number.low if end < 0 else number.high if end > 0 else number.value
            rows.append(replace(number.row("--padding-share"), value=share))
            choices = [Choice(name=PADDING, value=0.0, low=-1.0, high=1.0)]
        found.append(_without(request, phase, share))
    return tuple(found), list(dict.fromkeys(rows)), choices


_FULL = Assumption(
    name="padding", value="none to drop: texts are joined to full sequences", unit="", basis="assumed",
    source="the usual pre-training of this objective", option="--padding-share",
)  # fmt: skip


def _usual(method: str, objective: str, phase: Phase) -> Assumed | None:
    """Share of padding in such sequences; None for texts that are joined to full sequences."""
    if method != "pretrain":
        return assumed("padding.finetune")
    if not any(pair in objective for pair in PAIRS):
        return None
    length = phase.sequence_length or 0
    return assumed("padding.pairs_512" if length >= LONG else "padding.pairs_128")


def _without(request: EstimateRequest, phase: Phase, share: float) -> Phase:
    """A phase whose sequences of real tokens alone are packed into rows of the same length.

    An amount that was given in tokens is one of real tokens. Unless the steps are given, a step holds whole
    sixteenths of the batch, so that accelerators share it evenly, and the steps make up for it.
    """
    filled = 1.0 - share
    batch, steps = known(phase.sequences_per_step), known(phase.steps)
    rows = batch * filled
    if request.tokens is not None:
        steps /= filled
    if request.steps is None and batch % PARTS == 0:
        part = batch / PARTS
        even = max(1, round(rows / part)) * part
        steps, rows = steps * rows / even, even
    predicted, length = phase.predicted_positions, phase.sequence_length or 0
    return replace(
        phase,
        steps=steps,
        sequences_per_step=rows,
        document_length=max(1.0, length * filled),
        predicted_positions=None if predicted is None else min(length, round(predicted / filled)),
    )
