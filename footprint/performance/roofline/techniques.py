"""The techniques of a year's training software.

Each year is the first in which a technique is common in published runs. A run uses the techniques of
its own year (``--year``), not those of the year of its chip.
"""

from __future__ import annotations

from footprint.named_tuples import NamedTuple

TENSOR_UNITS_SINCE = 2017
"""Year of the first GPUs with 16-bit matrix units (Volta); before it, training ran in fp32."""
MIXED_PRECISION_SINCE = 2020
"""Year from which tuned mixed-precision kernels are common; one fitted factor covers all runs before it."""
SHARDING_SINCE = 2022
"""Year from which fully sharded data parallelism (ZeRO-3) is common; PyTorch 1.11 and 1.12 added FSDP."""
FUSED_SINCE = 2023
"""Year from which FlashAttention (Dao et al. 2022, arXiv:2205.14135) and fused pointwise kernels are the
default (PyTorch 2.0, March 2023) and stacks recompute only as much as memory requires."""
SECOND_FLASH_SINCE = 2024
"""Year from which FlashAttention-2 (Dao 2023, arXiv:2307.08691) is common; PyTorch has it since 2.2, January
2024. The first one reaches about half of its rate."""
QUANTISED_INPUTS_UNTIL = 2024
"""Last year in which bitsandbytes kept the inputs of its frozen 4-bit products, which nothing reads again;
version 0.43.2, of July 2024, keeps none (its changelog: 10.1 GB less for 70B and 1,024 tokens)."""
WIDE_ADAPTERS_SINCE = 2025
"""Year from which it is common that PEFT holds adapters in 32 bits beside 16-bit weights; releases do since
0.11, May 2024."""
RECOMPUTE_STOPS_SINCE = 2024
"""Year from which PyTorch's non-reentrant checkpoints stop where the backward pass has all that it needs
(torch.utils.checkpoint of PyTorch 2.1, October 2023)."""
VENDOR_ATTENTION_SINCE = 2026
"""Year from which PyTorch's own fused attention runs cuDNN's kernels where they are faster (Hopper), by two
sources of 2026: one names them (Soup), the other reaches half of the peak with a million tokens (TRL)."""
DEDUPLICATED_SINCE = 2025
"""Year from which expert exchange sends a token once per node (DeepSeek-AI 2024, arXiv:2412.19437)."""


class Techniques(NamedTuple):
    """The techniques of one year's software on one kind of chip."""

    era: str
    """The era whose fitted software factor applies: ``before_2020``, ``2020_to_2022`` or ``since_2023``."""
    full_sharding: bool
    """Parameters may be sharded over the replicas (ZeRO-3)."""
    fused: bool
    """Pointwise operations are fused."""
    fused_attention: bool
    """Fused attention is the default where the chip supports it."""
    first_fused_attention: bool
    """Fused attention is the first FlashAttention."""
    partial_recompute: bool
    """Only as many blocks are recomputed as memory requires."""
    recompute_big_models: bool
    """Models above ten billion parameters recompute every block."""
    split_big_models: bool
    """Models above ten billion parameters split their tensors."""
    quantised_inputs: bool
    """Products with quantised weights keep their inputs."""
    wide_adapters: bool
    """Stacks that hold adapters in 32 bits beside 16-bit weights do so."""
    recompute_stops: bool
    """PyTorch's recomputation does not run the last product of a block again."""
    vendor_attention: bool
    """PyTorch's own fused attention runs a vendor's kernels."""
    deduplicated_experts: bool
    """A token is sent once to each node that holds any of its experts, not once to each expert."""


def techniques_of(year: int, *, is_gpu: bool = True) -> Techniques:
    """The techniques of a year; TPUs had fused kernels (XLA) from the start."""
    modern = year >= FUSED_SINCE
    era = "before_2020" if year < MIXED_PRECISION_SINCE else "since_2023" if modern else "2020_to_2022"
    return Techniques(
        era=era,
        full_sharding=year >= SHARDING_SINCE,
        fused=modern or not is_gpu,
        fused_attention=modern,
        first_fused_attention=year < SECOND_FLASH_SINCE,
        partial_recompute=modern,
        recompute_big_models=not modern,
        split_big_models=not modern and is_gpu,
        quantised_inputs=year <= QUANTISED_INPUTS_UNTIL,
        wide_adapters=year >= WIDE_ADAPTERS_SINCE,
        recompute_stops=year >= RECOMPUTE_STOPS_SINCE,
        vendor_attention=year >= VENDOR_ATTENTION_SINCE,
        deduplicated_experts=year >= DEDUPLICATED_SINCE,
    )
