"""The regimes of step times: groups of jobs whose predictions have one interval."""

from __future__ import annotations

from collections.abc import Mapping

from footprint.performance.roofline.techniques import techniques_of
from footprint.performance.roofline.terms import CONVOLUTIONAL
from footprint.performance.roofline.work import Work
from footprint.vocabulary import NARROW


def regime(
    work: Work, precision: str, year: int, native: bool | None, count: int, *, layout_given: bool
) -> str:
    """The key of the fitted residuals from which a prediction's interval is taken."""
    era = techniques_of(year).era
    if era == "before_2020" and work.family != CONVOLUTIONAL:
        kind = era
    elif work.experts:
        # PyTorch's own operations sort tokens and compute experts in more ways than vendors' kernels.
        kind = "experts_native" if native and layout_given else "experts"
    elif work.family != "decoder":
        kind = "small"
    elif era == "2020_to_2022":
        kind = "early"
    elif work.is_adapters:
        kind = "adapters"
    elif layout_given and native:
        kind = "native"
    elif precision in NARROW:
        kind = "narrow"
    else:
        kind = "dense"
    if count == 1 and not layout_given and kind not in ("before_2020", "small"):
        kind = "one"
    known = "given" if layout_given else "found"
    return f"{kind}_{known}" + ("" if native is not None else "_stack_unknown")


def is_layout_given(given: Mapping[str, object], count: int) -> bool:
    """Whether no layout is searched: tensor ranks are given, or the micro-batch of a single accelerator."""
    return "tp" in given or (count == 1 and "micro_batch" in given)
