"""Memory traffic of adapters that a stack holds in more bits than the model, one kernel an operation.

    result = base(x);  result = (result + B(A(x.to(wide))) * scale).to(narrow)

This is the forward pass of PEFT, which holds adapters in 32 bits beside 16-bit weights since release 0.11 of
May 2024 (``autocast_adapter_dtype``). The bytes follow from what each operation reads and writes. The
products themselves are thin, so their traffic is their time.

Reference: Hu et al. 2021, arXiv:2106.09685; github.com/huggingface/peft src/peft/tuners/lora/layer.py.
"""

from __future__ import annotations

from footprint.named_tuples import NamedTuple
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.work import Line


class Traffic(NamedTuple):
    """What an element of an adapter's inputs, or of its results, moves in one pass [byte]."""

    read: float
    """By each element of the inputs."""
    written: float
    """By each element of the results."""


def forward_traffic(wide: float, byte: float) -> Traffic:
    """Traffic of the forward pass, of adapters in ``wide`` bytes beside a model in ``byte`` [byte]."""
    cast = wide + byte
    return Traffic(
        read=cast + wide,  # cast, first product
        written=wide + 2.0 * wide + (byte + 2.0 * wide) + cast,  # second product, scale, sum, cast back
    )


def backward_traffic(wide: float, byte: float) -> Traffic:
    """Traffic of the backward pass [byte]."""
    cast = wide + byte
    return Traffic(
        read=2.0 * wide + cast + 3.0 * byte,  # both gradients of the first product, cast, sum with the base's
        written=2.0 * cast + 2.0 * wide + 2.0 * wide,  # casts of both, scale, gradients of the second product
    )


def wide_byte(machine: Machine) -> float | None:
    """Bytes of a number of an adapter, where the stack holds more than the model's; else None [byte]."""
    held: float = machine.constants.values.get("adapter_byte", 0.0)
    return held if machine.techniques.wide_adapters and held > machine.bytes else None


def adapter_s(line: Line, wide: float, machine: Machine, tensor_ranks: int) -> tuple[float, float]:
    """Memory traffic of one of an adapter's two products: in a step, and in a second forward pass [s]."""
    forward, backward = (traffic(wide, machine.bytes) for traffic in (forward_traffic, backward_traffic))
    once, again = (forward.read, backward.read) if line.k > line.n else (forward.written, backward.written)
    # Tensor ranks split one of the two sides, as of other products.
    elements = line.m * line.count * line.times * max(line.k, line.n) * 0.5 * (1.0 + 1.0 / tensor_ranks)
    each_s = elements / machine.memory
    return each_s * (once + again), each_s * once
