"""Power of a board that serves, from the shares of its bandwidth and of its peak that it uses.

Training keeps a board busy or lets it wait (`footprint.performance.power`); a decoding step is limited by
the memory, and its power follows what is moved and multiplied.
"""

from __future__ import annotations

from footprint.named_tuples import NamedTuple


class PowerConstants(NamedTuple):
    """Board power over its limit, fitted on measured serving rows."""

    idle: float
    """With a model loaded and nothing moved [1]."""
    bandwidth: float
    """What a fully used bandwidth adds [1]."""
    compute: float
    """What a fully used peak adds [1]."""
    expand: float = 0.0
    """What is added if weights that the chip expands to 16 bits use the whole bandwidth [1]."""


def board_share(
    bandwidth_share: float, compute_share: float, expand_share: float, constants: PowerConstants
) -> float:
    """Mean power of a board over its limit, at most 1 [1]; ``expand_share`` is a part of the bandwidth's."""
    share = constants.idle + constants.bandwidth * bandwidth_share + constants.compute * compute_share
    return min(share + constants.expand * expand_share, 1.0)
