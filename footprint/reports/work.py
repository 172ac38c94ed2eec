"""What was trained, in one sentence: method, steps, batch and lengths, precision, layout."""

from __future__ import annotations

from footprint.performance.roofline.layout import SIZES
from footprint.results.estimate import DeviceMemory, Estimate, Parallelism, PhaseSummary, WorkloadSummary
from footprint.results.human import counted, figures

_METHODS = {"pretrain": "Pre-training", "finetune": "Full fine-tuning", "lora": "LoRA", "qlora": "QLoRA"}
_RECOMPUTED = {"full": "recompute", "selective": "selective recompute"}


def trained(result: Estimate) -> str:
    """The sentence; empty where only the hours are known."""
    work = result.workload
    if work is None:
        return ""
    phases = " and ".join(_phase(phase) for phase in work.phases)
    return f"{_method(work)}: {phases}; {', '.join([work.precision, *_layout(result.parallelism)])}."


def _method(work: WorkloadSummary) -> str:
    details = [work.objective] if work.objective else []
    if work.lora_rank is not None:
        details.append(f"rank {work.lora_rank}")
    if work.packing:
        details.append("packed: real tokens only")
    name = _METHODS.get(work.method, work.method)
    return f"{name} ({', '.join(details)})" if details else name


def _phase(phase: PhaseSummary) -> str:
    """Steps, and what one step holds."""
    batch = counted(phase.sequences_per_step)
    if phase.image_size is not None and phase.sequence_length is None:
        held = f"{batch} images of {phase.image_size} px"
    elif phase.sequence_length is None:
        held = f"{batch} samples"
    else:
        held = f"{batch} x {phase.sequence_length:,} tokens"
        if phase.target_sequence_length is not None:
            held += f" and {phase.target_sequence_length:,} of the target"
    return f"{counted(phase.steps)} {'step' if phase.steps == 1 else 'steps'} of {held}"


def _layout(parallelism: Parallelism | None) -> list[str]:
    if parallelism is None:
        return []
    sizes = {name: getattr(parallelism, name) for name in SIZES}
    parts = [f"{name} {size}" for name, size in sizes.items() if size is not None and size > 1]
    if parallelism.micro_batch is not None:
        parts.append(f"micro-batch {parallelism.micro_batch:g}")
    if parallelism.recompute in _RECOMPUTED:
        parts.append(_RECOMPUTED[parallelism.recompute])
    return parts


_RESTS_ON = {"predicted": "", "anchored": ", anchored on a measured memory", "given": ", as given"}
"""What the memory of a step rests on, by its basis."""


def room_left(memory: DeviceMemory) -> str:
    """The memory of the device, and what a step leaves of it."""
    left = memory.room_gib
    rest = f"{figures(left)} GiB left" if left >= 0 else f"{figures(-left)} GiB too little"
    return f"of {memory.device_gib:g} GiB, {rest}{_RESTS_ON[memory.basis]}"
