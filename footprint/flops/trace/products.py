"""Which of torch's operations multiply matrices, and of what sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from footprint.named_tuples import NamedTuple

if TYPE_CHECKING:
    import torch


class Product(NamedTuple):
    """``count`` products (m x k) (k x n) of two tensors, as torch executes them."""

    left: torch.Tensor
    right: torch.Tensor
    m: int
    k: int
    n: int
    count: int = 1  # type: ignore[assignment]  # hides tuple.count, which nobody needs here
    added: torch.Tensor | None = None
    """A bias, or what the product is added to."""
    convolution: bool = False
    taps: int = 1


def _mm(left: Any, right: Any, *_: Any) -> Product:
    return Product(left, right, left.shape[0], left.shape[1], right.shape[1])


def _addmm(added: Any, left: Any, right: Any, *_: Any) -> Product:
    return _mm(left, right)._replace(added=added)


def _bmm(left: Any, right: Any, *_: Any) -> Product:
    return Product(left, right, left.shape[1], left.shape[2], right.shape[2], left.shape[0])


def _baddbmm(added: Any, left: Any, right: Any, *_: Any) -> Product:
    return _bmm(left, right)._replace(added=added)


def _system(matrix: Any, right: Any, *_: Any) -> Product:
    """A triangular system as the product with its inverse, which fused kernels run."""
    size, count = matrix.shape[-1], math.prod(matrix.shape[:-2])
    return Product(matrix, right, size, size, right.numel() // (size * count), count)


def _mv(left: Any, right: Any, *_: Any) -> Product:
    return Product(left, right, left.shape[0], left.shape[1], 1)


def _addmv(added: Any, left: Any, right: Any, *_: Any) -> Product:
    return _mv(left, right)._replace(added=added)


def _dot(left: Any, right: Any, *_: Any) -> Product:
    return Product(left, right, 1, left.shape[0], 1)


def _linear(left: Any, right: Any, bias: Any = None, *_: Any) -> Product:
    return Product(left, right, math.prod(left.shape[:-1]), left.shape[-1], right.shape[0], added=bias)


def _grouped_mm(left: Any, right: Any, *_: Any) -> Product:
    if left.dim() == 2 and right.dim() == 3:
        return Product(left, right, left.shape[0], left.shape[1], right.shape[2])
    return _bmm(left, right)


def _convolution(
    inputs: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, transposed: bool,
    output_padding: Any, groups: int, *_: Any, result: Any,
) -> Product:  # fmt: skip
    """A row for each output position (for each input position of a transposed one)."""
    del stride, padding, dilation, output_padding
    taps = math.prod(weight.shape[2:])
    spaced = inputs if transposed else result
    unbatched = inputs.dim() == weight.dim() - 1
    places = math.prod(spaced.shape[1:] if unbatched else (spaced.shape[0], *spaced.shape[2:]))
    if transposed:
        k, n = weight.shape[0] // groups, weight.shape[1] * taps
    else:
        k, n = weight.shape[1] * taps, weight.shape[0] // groups
    return Product(inputs, weight, places, k, n, groups, bias, True, 1 if transposed else taps)


SYSTEM = "linalg_solve_triangular"
PRODUCTS: dict[str, Callable[..., Product]] = {
    "mm": _mm, "addmm": _addmm, "bmm": _bmm, "baddbmm": _baddbmm, "mv": _mv, "addmv": _addmv, "dot": _dot,
    "linear": _linear, "_grouped_mm": _grouped_mm, SYSTEM: _system,
}  # fmt: skip
CONVOLUTIONS = ("convolution", "_convolution", "convolution_overrideable")


def product_of(name: str, arguments: tuple[Any, ...], result: Any) -> Product | None:
    """The product that an operation of torch is, None for all others."""
    if name in PRODUCTS:
        return PRODUCTS[name](*arguments)
    if name in CONVOLUTIONS:
        return _convolution(*arguments, result=result)
    return None
