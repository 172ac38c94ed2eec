"""Mixture of experts: a router, experts that each process a part of the tokens, shared experts.

Every token is processed by ``chosen`` experts, so the FLOPs do not depend on the routing. A capacity
factor (padded buffers) multiplies the number of computed rows; without one no token is dropped.
"""

from __future__ import annotations

from footprint.flops.blocks.pieces import gated_mlp
from footprint.flops.blocks.transformer import FeedForward
from footprint.flops.config.fields import Fields
from footprint.flops.operations import (
    EXPERTS,
    POINTWISE,
    ROUTER,
    Matmul,
    Number,
    Operation,
    Pointwise,
    linear,
)


def mixture(
    width: int,
    inner: int,
    experts: int,
    chosen: int,
    *,
    gated: bool = True,
    router_bias: bool = False,
    expert_bias: bool = False,
    shared: int = 0,
    shared_bias: bool = False,
    shared_gate: bool = False,
    capacity: float = 0.0,
    extras: int = 0,
) -> FeedForward:
    """The feed-forward of a layer with experts of width ``inner``.

    ``shared`` is the width of the expert that processes every token. ``extras`` are further parameters
    (score corrections).
    """

    def feed_forward(rows: Number, source: str, output: str) -> tuple[Operation, ...]:
        routed = rows * chosen
        if capacity not in (0.0, 1.0):
            routed = routed * capacity
        operations: list[Operation] = [
            linear("router", ROUTER, source, "route", rows, width, experts, bias=router_bias),
            _expert(
                "experts.up",
                source,
                "eu",
                routed,
                width,
                inner * (2 if gated else 1),
                experts,
                chosen,
                expert_bias,
                capacity > 0.0,
            ),
            Pointwise(
                name="experts.activation",
                component=POINTWISE,
                inputs=("eu", "route"),
                output="eg",
                saved=(3 if gated else 1) * routed * inner,
            ),
            _expert("experts.down", "eg", output, routed, inner, width, experts, chosen, expert_bias),
        ]
        if shared:
            operations += gated_mlp(
                rows,
                width,
                shared,
                source=source,
                output=output,
                bias=shared_bias,
                component=EXPERTS,
                prefix="shared.",
            )
        if shared_gate:
            operations.append(linear("shared_gate", ROUTER, source, output, rows, width, 1))
        if extras:
            operations.append(
                Pointwise(
                    name="score_correction", component=ROUTER, inputs=(), output="route", parameters=extras
                )
            )
        return tuple(operations)

    return feed_forward


def _expert(
    name: str, source: str, output: str, rows: Number, k: int, n: int, experts: int, chosen: int, bias: bool,
    padded: bool = False,
) -> Matmul:  # fmt: skip
    return Matmul(
        name=name, component=EXPERTS, inputs=(source,), output=output, m=rows, k=k, n=n,
        weights=experts, bias=experts * n if bias else 0, chosen=min(chosen, experts), padded=padded,
    )  # fmt: skip


def counts(fields: Fields, number: tuple[str, ...], chosen: tuple[str, ...]) -> tuple[int, int]:
    """(experts, experts per token); the second is at most the first."""
    experts = fields.size(*number, maximum=1_000_000)
    per_token = fields.size(*chosen)
    if per_token > experts:
        raise fields.error(chosen[0], f"= {per_token} exceeds the {experts} experts")
    return experts, per_token


def capacity_factor(fields: Fields) -> float:
    """Computed rows over routed rows [1]; 0 (no token is dropped) unless the config has a capacity factor."""
    return fields.number("capacity_factor", default=0.0, minimum=0.0, maximum=100.0)
