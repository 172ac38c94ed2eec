"""The layout that a row of the published steps gives: ranks, micro-batch, recomputation, sharding."""

from __future__ import annotations

from collections.abc import Mapping

from footprint.flops import StepFlops
from footprint.performance.predict import work_of

Given = dict[str, int | float | str]
GRADIENTS_SHARDED = ("SHARD_GRAD_OP", "ZeRO-2", "stage 2")
"""How sources name replicas that hold shards of gradients and optimiser states, and whole parameters."""
EVERY_SECOND_LAYER = 0.5
"""Share of the blocks that torchtitan recomputes where it recomputes every second layer."""


def given_layout(row: Mapping[str, str], flops: StepFlops, accelerators: int, sequences: float) -> Given:
    """What a row says of its layout, by the names of the finder."""
    given: Given = {key: int(float(row[key])) for key in ("tp", "pp", "cp", "ep", "interleaving") if row[key]}
    model_ranks = 1
    for key in ("tp", "pp", "cp"):
        model_ranks *= int(given.get(key, 1))
    if "cp" in given and accelerators / model_ranks > sequences:
        given.pop("cp")  # more replicas than sequences: the printed context ranks cannot be all
    if row["micro_batch"]:
        given["micro_batch"] = float(row["micro_batch"])
    if row["recompute"]:
        given |= _recomputed(row, flops)
    if row["sharding"] or row["pp"]:
        given["zero"] = _zero(row["sharding"])
    return given


def _recomputed(row: Mapping[str, str], flops: StepFlops) -> Given:
    """What is recomputed, and which share of the blocks."""
    recompute, software = row["recompute"], row["software"]
    is_torchtitan = software.startswith("torchtitan")
    if is_torchtitan and recompute == "selective" and flops.operations is not None:
        return {"recompute": "full", "recomputed": work_of(flops.operations, flops.training).seconds_share}
    if is_torchtitan and recompute == "selective_layer":
        return {"recompute": "full", "recomputed": EVERY_SECOND_LAYER}
    if software == "fms" and recompute == "selective":
        return {"recompute": "full", "recomputed": _recomputed_share(row)}
    if recompute in ("selective", "minimal") and not flops.training.fuses_attention:
        # Both keep the results of products with weights, and not the scores of attention.
        return {"recompute": "selective"}
    return {"recompute": "full" if recompute == "full" else "none"}


def _recomputed_share(row: Mapping[str, str]) -> float:
    """Share of the blocks that a run recomputed, from its HFU over its MFU: a forward pass is a third [1].

    fms-fsdp recomputes every k-th block (its docs/configurations.md) and prints both.
    """
    return min(1.0, 3.0 * (float(row["hfu_reported"]) / float(row["mfu_reported"]) - 1.0))


def _zero(sharding: str) -> int:
    """The stage of ZeRO; states alone are sharded where only a split into ranks is published."""
    if any(name in sharding for name in GRADIENTS_SHARDED):
        return 2
    return 3 if "FULL_SHARD" in sharding or sharding.startswith(("FSDP", "HSDP")) else 1
