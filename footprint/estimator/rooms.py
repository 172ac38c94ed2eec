"""One way through the rooms: resolve -> predict -> chain -> present."""

from __future__ import annotations

from typing import Any

from footprint.estimator.chain import Outcome, chain
from footprint.estimator.facts import Facts
from footprint.estimator.predict import predict_run
from footprint.estimator.prediction import Prediction
from footprint.estimator.present import present
from footprint.estimator.request import EstimateRequest
from footprint.estimator.resolve import resolve
from footprint.estimator.resolve.shared import Shared
from footprint.estimator.run import note_flop
from footprint.results.estimate import Estimate
from footprint.results.link import Trace


def estimate(request: EstimateRequest | None = None, /, **fields: Any) -> Estimate:
    """The whole chain for one scenario, with 90 % intervals.

    Takes a request, or its fields: ``estimate(model="bert-base", hw="v100:8")``. A PyTorch module is a
    model, too: ``estimate(model=module, inputs=batch, ...)``, and its batch is that of ``inputs``
    unless ``batch_size`` says otherwise (docs/any-module.md).

    Raises
    ------
    FootprintError
        For anything the request gets wrong or leaves out that nobody published; the message
        names the option that mends it.
    """
    if request is None:
        if not isinstance(fields.get("model", ""), str | None) or "inputs" in fields:
            fields = _with_module(fields)
        request = EstimateRequest.from_mapping(fields, "estimate()")
    return present(*answer(request))


def _with_module(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with a module's operation file in its place."""
    from footprint.estimator.modules import model_file

    path, samples = model_file(fields["model"], fields.pop("inputs", None))
    return {"batch_size": samples, **fields, "model": path}


def answer(request: EstimateRequest) -> tuple[Facts, Prediction, Outcome, Trace]:
    """Facts, prediction and outcome of one scenario, and how they came about, before they are presented."""
    facts = facts_of(request)
    trace = Trace(facts.sources)
    note_flop(facts, trace)
    prediction = predict_run(facts, trace)
    return facts, prediction, chain(facts, prediction, trace), trace


def facts_of(request: EstimateRequest, shared: Shared | None = None, *, possible: bool = True) -> Facts:
    """The facts of a request, those of its anchors included; ``shared`` keeps what other requests need too.

    ``possible`` is that of `resolve`.
    """
    facts = resolve(request, shared=shared, possible=possible)
    if request.anchor is None:
        return facts
    from footprint.estimator.anchors import anchored

    return anchored(facts, possible=possible, shared=shared)
