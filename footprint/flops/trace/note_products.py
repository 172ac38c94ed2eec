"""Products on the tape: which side is a weight, how many weights there are, and whose they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from footprint.flops.trace.events import PointwiseEvent, ProductEvent
from footprint.flops.trace.products import Product
from footprint.flops.trace.tape import Tape, factor, holder
from footprint.flops.trace.values import Value, distinct

if TYPE_CHECKING:
    import torch


def note_product(tape: Tape, product: Product, result: torch.Tensor) -> None:
    """Note a product; its bias is the parameter that is added in the same call."""
    tape.multiplied |= {one.untyped_storage()._cdata for one in (product.left, product.right)}
    tape.settle()
    if _is_weight(tape.values.of(product.right)):
        event = _weighted(tape, product, product.left, product.right)
    elif _is_weight(tape.values.of(product.left)):
        turned = product._replace(m=product.n, n=product.m)
        event = _weighted(tape, turned, product.right, product.left)
    else:
        event = _unweighted(tape, product)
    node = tape.values.node()
    if product.added is not None:
        added = tape.values.of(product.added)
        if added.parameter is not None:
            event.bias = tape.claim(added.parameter, product.added.numel())
        elif added.learned and added.node is not None:
            node = tape.values.join([added.node, node])
    event.output = node
    tape.events.append(event)
    last = len(tape.events) - 1
    tape.values.set(result, Value(node=node, live=event.live, learned=True, product=last))


def note_attention(
    tape: Tape, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, result: torch.Tensor,
    *, pairs: float | None, shared: int,
) -> None:  # fmt: skip
    """Note attention that one call computes; ``pairs`` is the share of pairs that a mask leaves."""
    queries, width = query.shape[-2:]
    keys, out = key.shape[-2], value.shape[-1]
    count = math.prod(query.shape[:-2])
    heads = query.shape[-3] if query.dim() >= 4 else 0
    sides = [tape.values.of(one) for one in (query, key, value)]
    nodes = (_node(tape, one) for one in sides)
    q, k, v = (tape.values.node() if node is None else node for node in nodes)
    live = any(one.live for one in sides)
    owner = tuple(tape.owners)
    s, p, a = (tape.values.node() for _ in range(3))

    def limits(inner: int) -> dict[str, Any]:
        whole = 2 * count * queries * keys * inner
        return {} if pairs is None else {"full": whole, "causal": round(whole * pairs)}

    tape.multiplied |= {one.untyped_storage()._cdata for one in (query, key, value)}
    tape.settle()
    tape.events += [
        ProductEvent(owner, "scores", [q, k], s, live, m=queries, k=width, n=keys, count=count, scores=True,
                     heads=heads, groups=shared, **limits(width)),
        PointwiseEvent(owner, "softmax", [s], p, live, kind="softmax"),
        ProductEvent(owner, "values", [p, v], a, live, m=queries, k=keys, n=out, count=count, values=True,
                     groups=shared, **limits(out)),
    ]  # fmt: skip
    tape.values.set(result, Value(node=a, live=live, learned=True))


def _is_weight(value: Value) -> bool:
    return value.parameter is not None and (not value.live or bool(value.gathered))


def _weighted(tape: Tape, product: Product, data: torch.Tensor, weight: torch.Tensor) -> ProductEvent:
    value, table = tape.values.of(data), tape.values.of(weight)
    assert table.parameter is not None  # noqa: S101 - chosen for having one
    m, k, n, count = product.m, product.k, product.n, product.count
    chosen = None
    if product.convolution:
        weights = count
    elif table.gathered:
        m, count, weights, chosen = m * count, 1, table.gathered, tape.top_k
    elif weight.dim() == 3 and data.dim() == 2:  # rows in groups, one group an expert
        weights, chosen = weight.shape[0], tape.top_k
    else:
        weights = max(1, round(distinct(weight) / table.spread / (k * n)))
        if weights != count:
            m, count, weights = m * count, 1, 1
    node = _node(tape, value)
    return ProductEvent(
        owner=tuple(tape.owners), name=holder(table.parameter),
        inputs=[] if node is None else [node], output=0, live=value.live,
        m=m, k=k, n=n, count=count, weights=weights, chosen=chosen, taps=product.taps,
        convolution=product.convolution, parameter=table.parameter,
        tied=not tape.owns(table.parameter, weight, weights * k * n),
        trained=tape.parameters[table.parameter].requires_grad,
    )  # fmt: skip


def _node(tape: Tape, value: Value) -> int | None:
    """The name of a value that is multiplied as data."""
    return value.node if value.parameter is None else _read(tape, value.parameter)


def _read(tape: Tape, parameter: str) -> int:
    """The name of a parameter that is multiplied as data (a learned query): it takes a gradient."""
    node = tape.values.node()
    elements = tape.claim(parameter, tape.left[parameter])
    tape.events.append(
        PointwiseEvent(
            tuple(tape.owners), parameter, [], node, False, kind="embedding",
            parameters={parameter: elements}, tied=not elements,
            trained=tape.parameters[parameter].requires_grad,
        )
    )  # fmt: skip
    return node


def _unweighted(tape: Tape, product: Product) -> ProductEvent:
    left, right = tape.values.of(product.left), tape.values.of(product.right)
    values = left.softmax is not None or right.softmax is not None
    other = product.left if right.softmax is not None else product.right
    repeated = tape.values.of(other).spread * (other.numel() // max(1, distinct(other)))
    sides = ((left.node, product.right), (right.node, product.left))
    return ProductEvent(
        owner=tuple(tape.owners), name="values" if values else "product",
        inputs=[node for node, _ in sides if node is not None], output=0,
        others=[factor(other, product) for node, other in sides if node is not None],
        live=left.live or right.live, m=product.m, k=product.k, n=product.n, count=product.count,
        values=values, groups=max(1, repeated),
    )  # fmt: skip
