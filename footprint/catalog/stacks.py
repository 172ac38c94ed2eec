"""Training software by name: whose kernels it runs, what it fuses, hides and launches.

A stack is one file of ``reference_data/stacks``. Facts that a file leaves out are those of its kind:
``tuned`` (a vendor's kernels and parallelism) or ``native`` (PyTorch's own).
"""

from __future__ import annotations

import functools

from footprint.catalog.files import shipped
from footprint.catalog.folder import Names, ids, read_record
from footprint.catalog.names import unknown
from footprint.records import record

FOLDER = "reference_data/stacks"
NAMES = Names({"aliases": ("id", "aliases")}, dashes=True)


@record
class Stack:
    """One software for training."""

    id: str
    name: str
    kernels: str
    """``tuned``: a vendor's kernels and parallelism; ``native``: PyTorch's own."""
    since_year: int
    """Year of its first release."""
    fuses: bool
    """Whether pointwise operations are fused."""
    basis: str
    """``fitted`` where published rows of it are in the fit, else ``assumed``."""
    source: str
    aliases: tuple[str, ...] = ()
    host_s: float | None = None
    """Time of the host to launch one operation [s]; small where graphs are captured or compiled."""
    attention: str = ""
    """``tuned`` where a native stack runs a vendor's fused attention (FlashAttention-3, cuDNN)."""
    overlap_share: float | None = None
    """Share of the communication that computation hides [1]."""
    holds: str = ""
    """What it holds a parameter (`footprint.performance.roofline.holding`), if not what its kind does."""
    loss: str = ""
    """How it takes the loss of the logits (the same module), if not as its kind does."""
    recompute_share: float | None = None
    """Share of the blocks' work that its usual recipes compute again though memory does not ask for it."""
    recompute_stops: bool | None = None
    """Whether recomputing a block ends before its last product, if not as its kind does."""
    grouped_experts: bool = False
    """Whether the products of all local experts are one kernel, not one for each expert."""
    sorts_apart: bool = False
    """Whether a vendor's kernels sort tokens to their experts and back apart from their exchange (XLA)."""
    experts_looped_until_year: int | None = None
    """Last year in which Python loops over the experts (transformers before release 5)."""
    grouped_narrow_since: str = ""
    """Release since which experts in 8 bits or fewer are one grouped product with their activation on
    Blackwell, which the kernel needs, as a month such as ``2026-06``; empty: none."""
    sends_once: bool = True
    """Whether a token is sent once to a node that holds several of its experts, since that is common."""
    splits: bool = True
    """Whether it splits tensors, layers and sequences; else each accelerator has all of them, or a shard."""
    pipelines: bool = True
    """Whether it splits layers among the stages of a pipeline, where it splits anything."""
    shards_since_year: int | None = None
    """Year from which it shards weights over the replicas (ZeRO-3, FSDP), not just optimiser states."""
    accumulates: bool = True
    """Whether its recipes take several micro-batches a step where one, with recomputation, would fit."""
    recomputes_part: bool = True
    """Whether it recomputes some of the blocks; else every block or none."""
    offloads_inputs: bool = False
    """Whether its recipes keep the inputs of recomputed blocks in the memory of the host."""
    fused_early: bool = False
    """Whether its encoders and convolutions had norms and activations fused before PyTorch 2 (2023)."""
    first_in_tf32: bool = False
    """Whether its convolutions have channels last in 16 bits and channels first in tf32."""
    captures_since_year: int | None = None
    """Year from which its steps are captured as graphs, which the accelerator runs without the host."""
    stages: str = "even"
    """How it shares the layers out to the stages of a pipeline (the same module)."""
    adapter_byte: float | None = None
    """Bytes of a number of an adapter, if not those of the model's (PEFT)."""
    rest_byte: float | None = None
    """Bytes of what is not quantised, weights and activations, beside quantised weights (QLoRA)."""
    note: str = ""

    @property
    def native(self) -> bool:
        """Whether it runs PyTorch's own kernels and parallelism."""
        return self.kernels == "native"

    @property
    def keeps(self) -> str:
        """Whose code keeps the activations: ``fused``, ``compiled`` or ``eager``."""
        return "fused" if not self.native else "compiled" if self.fuses else "eager"

    @property
    def is_kind(self) -> bool:
        """Whether this is a kind of stack, not one software."""
        return self.id == self.kernels


def stack_ids() -> list[str]:
    """Ids of all stacks, sorted."""
    return ids(shipped(FOLDER))


@functools.cache
def find_stack(name: str) -> Stack:
    """The stack of that id or alias; UnknownNameError names the nearest ones."""
    found = NAMES.find(shipped(FOLDER), name)
    if found is None:
        known = [*NAMES.indexed(shipped(FOLDER)), *stack_ids()]
        hint = "`stack=` is tuned or native, or a name of `footprint stacks list`"
        raise unknown("software stack", name, dict.fromkeys(known), hint)
    raw = read_record(shipped(FOLDER), found)
    holds = raw.get("holds") or ("wide" if raw["kernels"] == "native" else "mixed")
    loss = raw.get("loss") or ("whole" if raw["kernels"] == "native" else "parallel")
    own = {"holds": holds, "loss": loss, "aliases": tuple(raw.get("aliases", ()))}
    return Stack(**{**raw, **own})
