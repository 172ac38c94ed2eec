"""The FLOPs of a step as JSON and as text for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from footprint.catalog.version import headed
from footprint.flops import StepFlops
from footprint.flops.checks import six_n
from footprint.flops.operations import RECURRENCE
from footprint.plain_text import in_line
from footprint.reports.texts.assumed import assumed_text
from footprint.results.human import figures
from footprint.units import BYTE_PER_GIB

if TYPE_CHECKING:
    from footprint.flops.schedule import RunFlops
    from footprint.flops.verify import Proof
    from footprint.performance.roofline.memory import Memory
    from footprint.results import Assumption

SCHEMA = "footprint/flops/1"


def to_json(
    name: str,
    step: StepFlops,
    *,
    memory: Memory | None = None,
    device: tuple[str, float, float] | None = None,
    run: RunFlops | None = None,
    proof: Proof | None = None,
    assumptions: tuple[Assumption, ...] = (),
    warnings: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The record ``footprint/flops/1``: whole numbers are exact, tokens null for images."""
    shortcut, active = six_n(step), six_n(step, active=True)
    record: dict[str, Any] = {
        **headed(SCHEMA),
        "model": name,
        "family": step.family,
        "parameters": {
            "total": step.parameters.total,
            "active": step.parameters.active,
            "trainable": step.parameters.trainable,
            "non_embedding": step.parameters.non_embedding,
        },
        "samples": step.samples,
        "tokens": step.tokens,
        "source_tokens": step.source_tokens,
        "target_tokens": step.target_tokens,
        "forward_flop": step.forward_flop,
        "backward_flop": step.backward_flop,
        "training_flop": step.training_flop,
        "training_flop_causal": step.training_flop_causal,
        "hardware_flop": step.hardware_flop,
        "components": dict(step.components),
        "basis": step.basis,
        "shortcut_6n_flop": None if shortcut is None else shortcut.flop,
        "shortcut_6n_error": None if shortcut is None else shortcut.error,
        "shortcut_6n_active_flop": None if active is None else active.flop,
        "shortcut_6n_active_error": None if active is None else active.error,
        "assumptions": [asdict(one) for one in assumptions],
        "warnings": list(warnings),
    }
    if memory is not None:
        record["memory"] = {**memory._asdict(), "total_byte": memory.total_byte}
        if device is not None:
            record["memory"] |= {
                "accelerator": device[0],
                "accelerator_gib": device[1],
                "usable_gib": device[2],
                "fits": memory.total_byte <= device[2] * BYTE_PER_GIB,
            }
    if run is not None:
        record["run"] = {
            "steps": sum(count for count, _ in run.steps),
            "samples": run.samples,
            "tokens": run.tokens,
            "training_flop": run.training_flop,
            "training_flop_causal": run.training_flop_causal,
            "hardware_flop": run.hardware_flop,
        }
    if proof is not None:
        record["proof"] = {
            "forward_flop": proof.forward_flop,
            "backward_flop": proof.backward_flop,
            "parameters": proof.parameters,
            "torch_forward_flop": proof.torch.forward_flop,
            "torch_backward_flop": proof.torch.backward_flop,
            "torch_parameters": proof.torch.parameters,
            "explained": [difference._asdict() for difference in proof.explained],
            "depths": proof.depths,
            "exact": proof.exact,
        }
    return record


def render(
    name: str,
    step: StepFlops,
    *,
    memory: Memory | None = None,
    device: tuple[str, float, float] | None = None,
    run: RunFlops | None = None,
    proof: Proof | None = None,
    assumptions: tuple[Assumption, ...] = (),
    warnings: tuple[str, ...] = (),
) -> str:
    """The FLOPs of a step as a table of at most 80 columns."""
    lines = [f"{name} ({step.family}, {_BASES[step.basis]})", ""]
    lines += _parameters(step)
    lines += ["", *_work(step), "", *_components(step)]
    lines += _shortcuts(step)
    if memory is not None:
        lines += ["", *_memory(memory, device)]
    if run is not None:
        lines += ["", *_run(run)]
    if proof is not None:
        lines += ["", *_proof(proof)]
    if assumptions:
        lines += ["", *assumed_text(assumptions, markdown=False).splitlines()]
    lines += [f"warning: {warning}" for warning in warnings]
    return "\n".join(map(in_line, lines))


_BASES = {"formula": "by formula", "traced": "traced from the module", "counted": "counted by torch"}


def _flop(value: float) -> str:
    return f"{figures(float(value), 4)} FLOP"


def _parameters(step: StepFlops) -> list[str]:
    parameters = step.parameters
    rows = [("parameters", parameters.total)]
    if parameters.active != parameters.total:
        rows.append(("  used by one token", parameters.active))
    if parameters.trainable != parameters.total:
        rows.append(("  trained", parameters.trainable))
    rows.append(("  without embeddings", parameters.non_embedding))
    return [f"  {label:<24}{value:>22,.0f}" for label, value in rows]


def _work(step: StepFlops) -> list[str]:
    columns = [("a step", 1.0), ("a sample", float(step.samples))]
    if step.tokens is not None:
        columns.append(("a token", float(step.tokens)))
    rows = [
        ("forward", step.forward_flop),
        ("backward", step.backward_flop),
        ("training", step.training_flop),
        ("  causal pairs only", step.training_flop_causal),
        ("  as executed", step.hardware_flop),
    ]
    head = f"  {'FLOP of':<24}" + "".join(f"{title:>14}" for title, _ in columns)
    body = [
        f"  {label:<24}" + "".join(f"{figures(float(value) / by, 4):>14}" for _, by in columns)
        for label, value in rows
    ]
    return [head, *body]


def _components(step: StepFlops) -> list[str]:
    total = float(step.training_flop) or 1.0
    ordered = sorted(step.components.items(), key=lambda item: -item[1])
    lines = [f"  {name.replace('_', ' '):<24}{float(flop) / total:>14.1%}" for name, flop in ordered]
    if RECURRENCE in step.components:  # the name does not say that projections are included
        lines.append("  recurrence: all products of those layers, projections in and out included")
    return lines


def _shortcuts(step: StepFlops) -> list[str]:
    """The estimate 6N with all parameters, and with the active parameters where these are fewer."""
    every, active = six_n(step), six_n(step, active=True)
    if every is None or active is None:
        return []
    rows = [("parameters", every)]
    if step.parameters.active != step.parameters.total:
        rows = [("all parameters", every), ("active parameters", active)]
    lines = [
        f"  6 x {label} x tokens: {_flop(shortcut.flop)} a step, {shortcut.error:+.1%} from exact"
        for label, shortcut in rows
    ]
    if step.parameters.trainable != step.parameters.total:
        lines.insert(0, "  rule for training all parameters (this method trains fewer):")
    return ["", *lines]


def _memory(memory: Memory, device: tuple[str, float, float] | None) -> list[str]:
    rows = [*memory._asdict().items(), ("total_byte", memory.total_byte)]
    lines = [
        "  on the fullest device",
        *(
            f"  {'  ' + key.removesuffix('_byte'):<24}{figures(value / BYTE_PER_GIB):>14} GiB"
            for key, value in rows
        ),
    ]
    if device is not None:
        name, whole, usable = device
        verdict = "fits" if memory.total_byte <= usable * BYTE_PER_GIB else "does not fit"
        lines.append(f"  {verdict} {name}: {figures(usable)} of its {whole:g} GiB can be filled")
    return lines


def _run(run: RunFlops) -> list[str]:
    """The rows of the whole run, summed over its phases."""
    phases = f", {len(run.steps)} phases" if len(run.steps) > 1 else ""
    seen = (
        f"{figures(float(run.tokens), 4)} tokens"
        if run.tokens
        else f"{figures(float(run.samples), 4)} samples"
    )
    rows = [
        ("training", run.training_flop),
        ("  causal pairs only", run.training_flop_causal),
        ("  as executed", run.hardware_flop),
    ]
    return [
        f"  whole run: {figures(float(sum(count for count, _ in run.steps)), 4)} steps, {seen}{phases}",
        *(f"  {label:<24}{_flop(value):>19}" for label, value in rows),
    ]


def _proof(proof: Proof) -> list[str]:
    left = proof.residual
    rows = [
        ("forward", proof.forward_flop, proof.torch.forward_flop, left[0]),
        ("backward", proof.backward_flop, proof.torch.backward_flop, left[1]),
        ("parameters", proof.parameters, proof.torch.parameters, left[2]),
    ]
    lines = [f"  {'full training':<14}{'ours':>24}{'torch':>24}{'left':>12}"]
    lines += [f"  {label:<14}{ours:>24,}{theirs:>24,}{rest:>12,}" for label, ours, theirs, rest in rows]
    lines += [f"  explained: {difference.reason}" for difference in proof.explained]
    lines.append(f"  torch's counter on {proof.torch.device} tensors, depth {proof.depths}")
    return lines
