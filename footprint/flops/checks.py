"""Comparisons of the count with the 6N shortcut and with the stated number of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from footprint.flops.operations import Number
from footprint.flops.step import StepFlops
from footprint.named_tuples import NamedTuple

STATED_TOLERANCE = 0.03
"""Relative difference from the stated number of parameters above which a warning is given."""

_WHISPER_TARGETS = 448
"""Whisper's default number of target positions (Radford et al. 2022, arXiv:2212.04356)."""


class Shortcut(NamedTuple):
    """6 x parameters x tokens, the usual rule of thumb (Kaplan et al. 2020, arXiv:2001.08361)."""

    flop: Number
    error: float
    """shortcut / exact - 1."""


def six_n(step: StepFlops, *, active: bool = False) -> Shortcut | None:
    """The 6N shortcut for one step of full training [FLOP]; None for images, which have no tokens.

    N are all parameters, or with ``active`` those used for one token, as is usual for experts.
    """
    if step.tokens is None or not step.training_flop:
        return None
    flop = 6 * (step.parameters.active if active else step.parameters.total) * step.tokens
    return Shortcut(flop, float(flop) / float(step.training_flop) - 1.0)


def positions_warning(
    name: str, config: Mapping[str, Any], longest: int | None, target: int | None = None
) -> str | None:
    """A warning if sequences or target sequences are longer than the number of positions in the config."""
    most = config.get("max_position_embeddings") or config.get("n_positions")
    usual = (
        _WHISPER_TARGETS if config.get("model_type") == "whisper" else config.get("max_position_embeddings")
    )
    beyond = [
        f"{what} of {length:,} tokens are longer than the {positions:,} positions of {name}"
        for what, length, positions in (
            ("sequences", longest, most),
            ("target sequences", target, config.get("max_target_positions") or usual),
        )
        if isinstance(positions, int) and length is not None and length > positions
    ]
    return "; ".join(beyond) or None


def stated_warning(step: StepFlops, stated: float | None) -> str | None:
    """A warning if the counted parameters are more than 3 % from the stated ones."""
    if not stated:
        return None
    apart = float(step.parameters.total) / stated - 1.0
    if abs(apart) <= STATED_TOLERANCE:
        return None
    return (
        f"the config has {step.parameters.total:,.0f} parameters, {apart:+.1%} from the {stated:,.0f} "
        "that are stated: a key may be missing or of another size"
    )
