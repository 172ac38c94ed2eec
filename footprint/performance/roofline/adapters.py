"""Memory traffic of adapters beside frozen products, one kernel an operation.

    result = base(x);  result = (result + B(A(x.to(wide))) * scale).to(narrow)

This is the forward pass of PEFT, which holds adapters in 32 bits beside 16-bit weights since release 0.11 of
2024 (``autocast_adapter_dtype``). Other stacks hold them in 16 bits and cast nothing. The bytes follow from
what each operation reads and writes; the products themselves are small.

Reference: Hu et al. 2021, arXiv:2106.09685; github.com/huggingface/peft src/peft/tuners/lora/layer.py.
"""

from __future__ import annotations

from footprint.named_tuples import NamedTuple


class Traffic(NamedTuple):
    """Bytes that an element of an adapter's inputs, or of its results, moves in one pass [byte]."""

    read: float
    """Of each element of the inputs."""
    written: float
    """Of each element of the results."""


def forward_traffic(adapter_byte: float, byte: float) -> Traffic:
    """Traffic of the forward pass: cast, first product; second product, scale, sum, cast [byte]."""
    cast = adapter_byte + byte if adapter_byte != byte else 0.0
    sums = byte + 2.0 * adapter_byte
    return Traffic(read=cast + adapter_byte, written=adapter_byte + 2.0 * adapter_byte + sums + cast)


def backward_traffic(adapter_byte: float, byte: float) -> Traffic:
    """Traffic of the backward pass: gradients of both products, of scale and casts, and their sum [byte]."""
    cast = adapter_byte + byte if adapter_byte != byte else 0.0
    of_results = 2.0 * adapter_byte + 2.0 * adapter_byte
    return Traffic(read=2.0 * adapter_byte + cast + 3.0 * byte, written=2.0 * cast + of_results)
