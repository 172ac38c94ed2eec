"""The tape of a trace: products and other operations in the order they were executed."""

from __future__ import annotations

from footprint.records import field, state

Factor = tuple[int, ...]
"""A side of a product: storage, offset, and the sizes of the product."""


@state
class Event:
    """One operation of the tape, before its names and layers are settled."""

    owner: tuple[str, ...]
    """Calls of the modules that it was executed in, outermost first: ``layers.3#0``."""
    name: str
    inputs: list[int]
    output: int
    live: bool
    """Whether its work grows with the batch."""


@state
class ProductEvent(Event):
    """A matrix product."""

    m: int = 0
    k: int = 0
    n: int = 0
    count: int = 1
    weights: int = 0
    bias: int = 0
    tied: bool = False
    parameter: str | None = None
    trained: bool = True
    chosen: int | None = None
    scores: bool = False
    values: bool = False
    groups: int = 1
    heads: int = 0
    taps: int = 1
    convolution: bool = False
    routes: bool = False
    full: int | None = None
    causal: int | None = None
    repeats: bool = False
    """Executed again and again: a recurrence."""
    others: list[Factor] = field(default_factory=list)
    """For each input of a product of two activations, the other one: its gradient is made of it."""
    cut: tuple[int, ...] = ()
    """Inputs that get no gradient."""


@state
class PointwiseEvent(Event):
    """Work without products."""

    kind: str = "pointwise"
    """pointwise, activation (a module of its own), norm, embedding or softmax."""
    width: int = 0
    """Elements of the first input."""
    parameters: dict[str, int] = field(default_factory=dict)
    """Elements of the parameters that it is the first to use."""
    trained: bool = True
    tied: bool = False
    saved: dict[int, int] = field(default_factory=dict)
    """Elements that autograd keeps, by storage."""
    masks: int = 0
