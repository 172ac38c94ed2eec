"""Operations without products on the tape: look-ups, norms, softmax, and what merely passes names on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from footprint.flops.trace.events import PointwiseEvent, ProductEvent
from footprint.flops.trace.tape import Tape, holder
from footprint.flops.trace.values import Value, distinct
from footprint.records import replace

if TYPE_CHECKING:
    import torch

    Tensors = tuple[torch.Tensor, ...]

COPIES = frozenset(
    ("clone", "_to_copy", "_unsafe_view", "copy", "lift_fresh", "contiguous", "view_copy", "permute_copy",
     "expand_copy", "t_copy", "cat", "stack", "constant_pad_nd", "repeat")
)  # fmt: skip
"""Operations that rearrange what they are given."""
KEEPS_RESULT = frozenset(
    ("relu", "tanh", "sigmoid", "exp", "sqrt", "rsqrt", "elu", "_softmax", "_safe_softmax", "_log_softmax")
)
"""Operations whose backward pass needs what came out of them."""
SOFTMAX = ("_softmax", "_safe_softmax")
NOISE = ("bernoulli", "native_dropout")
LOOKUPS = ("embedding", "_embedding_bag", "_embedding_bag_forward_only")
CHOICES = ("index", "index_select", "gather")


def note_other(tape: Tape, name: str, given: Tensors, results: Tensors) -> None:
    """Note an operation that is no product."""
    plain = name if name.startswith("_") else name.rstrip("_")
    if plain in NOISE:
        tape.values.set(results[-1], Value(noise=True))
    if not given:
        return
    values = [tape.values.of(one) for one in given]
    first = values[0]
    if first.parameter is not None and plain in (*LOOKUPS, *CHOICES) and not first.gathered:
        _look_up(tape, plain, given, results)
    elif plain not in KEEPS_RESULT and len(given) == 1 and all(_same(one, given[0]) for one in results):
        pass  # a view
    elif not any(v.live for v in values) and all(v.parameter is not None or v.node is None for v in values):
        _derive(tape, plain, given, results)
    elif plain == "topk":
        _choose(tape, first, results)
    elif plain in SOFTMAX and (scores := _scores(tape, first)) is not None:
        _softmax(tape, scores, given[0], results[0])
    else:
        _compute(tape, plain, given, results)


def _look_up(tape: Tape, name: str, given: Tensors, results: Tensors) -> None:
    """Rows of a table, or matrices of a parameter: the experts that were chosen."""
    table = tape.values.of(given[0])
    assert table.parameter is not None  # noqa: S101 - a look-up of a parameter
    live = any(tape.values.of(one).live for one in given[1:])
    if name in CHOICES and given[0].dim() >= 3:
        tape.values.set(results[0], replace(table, live=live, gathered=given[0].shape[0], spread=1))
        return
    node = tape.values.node()
    elements = tape.claim(table.parameter, tape.parameters[table.parameter].numel())
    tape.settle()
    tape.events.append(
        PointwiseEvent(
            tuple(tape.owners), holder(table.parameter), [], node, live, kind="embedding",
            parameters={table.parameter: elements}, tied=not elements,
            trained=tape.parameters[table.parameter].requires_grad,
        )
    )  # fmt: skip
    tape.values.set(results[0], Value(node=node, live=live, learned=True))


def _derive(tape: Tape, name: str, given: Tensors, results: Tensors) -> None:
    """What is made of parameters alone stands for the largest of them."""
    tables = [(one.numel(), v) for one in given if (v := tape.values.of(one)).parameter is not None]
    if not tables:
        return
    _, largest = max(tables, key=lambda table: table[0])
    for result in results:
        if not _same(result, given[0]):
            tape.values.set(result, replace(largest, spread=largest.spread * _copied(name, given[0])))


def _choose(tape: Tape, scores: Value, results: Tensors) -> None:
    """The largest scores of a router."""
    event = tape.events[scores.product] if scores.product is not None else None
    if isinstance(event, ProductEvent):
        event.routes = True
    tape.top_k = int(results[0].shape[-1])
    largest, places = results
    tape.values.set(largest, Value(node=scores.node, live=scores.live, learned=scores.learned))
    tape.values.set(places, Value(live=scores.live))  # numbers of experts carry no gradient


def _scores(tape: Tape, value: Value) -> int | None:
    """The product of two activations whose softmax this is."""
    event = tape.events[value.product] if value.product is not None else None
    return value.product if isinstance(event, ProductEvent) and not event.weights else None


def _softmax(tape: Tape, index: int, scores: torch.Tensor, result: torch.Tensor) -> None:
    product = tape.events[index]
    assert isinstance(product, ProductEvent)  # noqa: S101 - found by `_scores`
    product.scores, product.name = True, "scores"
    product.heads = int(scores.shape[-3]) if scores.dim() >= 4 else 0
    node = tape.values.node()
    tape.settle()
    tape.events.append(
        PointwiseEvent(tuple(tape.owners), "softmax", [product.output], node, product.live, kind="softmax")
    )
    tape.values.set(result, Value(node=node, live=product.live, learned=True, softmax=index))


def _compute(tape: Tape, name: str, given: Tensors, results: Tensors) -> None:
    """An operation that keeps something or uses parameters is an event; any other passes its name on."""
    values = [tape.values.of(one) for one in given]
    live = any(value.live for value in values)
    learned = [v for v in values if v.learned and v.node is not None]
    used = [v for v in values if v.parameter is not None and not v.live]
    saved = [one for one in tape.pending if tape.counts(one)]
    tape.settle()
    if not learned or not (saved or used or name in KEEPS_RESULT):
        _pass_on(tape, name, given, results, [v.node for v in learned or values if v.node is not None])
        return
    event = _event(tape, name, given, [v.node for v in learned if v.parameter is None], live)
    for value in used:
        assert value.parameter is not None  # noqa: S101 - chosen for having one
        part = tape.claim(value.parameter, tape.left[value.parameter])
        if part:
            event.parameters[value.parameter] = part
            event.trained = event.trained and tape.parameters[value.parameter].requires_grad
    for one in saved:
        tape.keep(event, one)
    if name in KEEPS_RESULT or len(results) > 1:
        tape.results = results
    first = values[0]
    product = first.product if not used and first.softmax is None else None
    for result in results:
        noise = tape.values.of(result).noise
        made = Value(
            node=event.output, live=live, learned=True, softmax=first.softmax, noise=noise, product=product
        )
        tape.values.set(result, made)


def _pass_on(tape: Tape, name: str, given: Tensors, results: Tensors, nodes: list[int]) -> None:
    """Results called as what they were computed from."""
    values = [tape.values.of(one) for one in given]
    node = tape.values.join(nodes) if nodes else None
    first = next((v for v in values if v.live), values[0])
    made = Value(
        node=node, live=any(v.live for v in values), learned=any(v.learned for v in values),
        product=first.product, softmax=first.softmax, spread=first.spread * _copied(name, given[0]),
    )  # fmt: skip
    for result in results:
        if not any(_same(result, one) for one in given):
            tape.values.set(result, replace(made, noise=tape.values.of(result).noise))


def _event(tape: Tape, name: str, given: Tensors, nodes: list[int | None], live: bool) -> PointwiseEvent:
    """The event of an operation: the latest one where a module goes on with what it began."""
    owner = tuple(tape.owners)
    inputs = [node for node in nodes if node is not None]
    last = tape.events[-1] if tape.events else None
    kind = tape.kinds.get(owner[-1].partition("#")[0], "pointwise") if owner else "pointwise"
    if isinstance(last, PointwiseEvent) and last.owner == owner and last.kind == kind:
        produced = tape.values.name(last.output)
        last.inputs += [node for node in inputs if tape.values.name(node) != produced]
        last.live = last.live or live
        return last
    event = PointwiseEvent(
        owner, name, inputs, tape.values.node(), live, kind=kind, width=given[0].numel()
    )  # fmt: skip
    tape.events.append(event)
    return event


def _copied(name: str, given: torch.Tensor) -> int:
    """How often a copy repeats each element of what is expanded."""
    return given.numel() // max(1, distinct(given)) if name in COPIES and given.numel() else 1


def _same(result: torch.Tensor, given: torch.Tensor) -> bool:
    return bool(result.untyped_storage()._cdata == given.untyped_storage()._cdata)
