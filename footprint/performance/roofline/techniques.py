"""What the software of a year can do, in one table.

Years are those from which a technique is common in published runs. A run takes the techniques of
its year (``--year``), not those of the year in which its chip came out.
"""

from __future__ import annotations

from footprint.records import record

TENSOR_UNITS_SINCE = 2017
"""First GPUs with 16-bit matrix units (Volta); before it training ran in fp32."""
MIXED_PRECISION_SINCE = 2020
"""Year from which tuned mixed-precision kernels are common; the fit has one factor for all runs before it."""
SHARDING_SINCE = 2022
"""Fully sharded data parallelism (ZeRO-3) is common: PyTorch 1.11 and 1.12 brought FSDP in 2022."""
FUSED_SINCE = 2023
"""FlashAttention (Dao et al. 2022, arXiv:2205.14135) and fused pointwise kernels are the default since
PyTorch 2.0 (March 2023); stacks recompute no more than memory asks for."""
DEDUPLICATED_SINCE = 2025
"""Expert exchange sends a token once a node (DeepSeek-AI 2024, arXiv:2412.19437)."""


@record
class Techniques:
    """What the software of one year can do on one kind of chip."""

    era: str
    """``before_2020``, ``2020_to_2022`` or ``since_2023``: which fitted factor of software applies."""
    full_sharding: bool
    """Parameters may be sharded over the replicas (ZeRO-3)."""
    fused: bool
    """Pointwise operations are fused."""
    fused_attention: bool
    """Fused attention is the default where the chip supports it."""
    partial_recompute: bool
    """Only so many blocks are recomputed as memory asks for."""
    recompute_big_models: bool
    """Models above ten billion parameters recompute everything."""
    split_big_models: bool
    """Models above ten billion parameters split their tensors."""
    deduplicated_experts: bool
    """A token is sent once to each node that holds any of its experts."""


def techniques_of(year: int, *, is_gpu: bool = True) -> Techniques:
    """The techniques of a year; TPUs had fused kernels (XLA) from the start."""
    modern = year >= FUSED_SINCE
    era = "before_2020" if year < MIXED_PRECISION_SINCE else "since_2023" if modern else "2020_to_2022"
    return Techniques(
        era=era,
        full_sharding=year >= SHARDING_SINCE,
        fused=modern or not is_gpu,
        fused_attention=modern,
        partial_recompute=modern,
        recompute_big_models=not modern,
        split_big_models=not modern and is_gpu,
        deduplicated_experts=year >= DEDUPLICATED_SINCE,
    )
