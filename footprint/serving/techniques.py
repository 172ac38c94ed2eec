"""Techniques of prompting beside the plain call: tokens, FLOP, energy and USD of a request.

The samples of a request either share its prompt or read it anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from footprint.estimator.facts import Facts
from footprint.records import record, replace
from footprint.results.decisions.inference import TechniqueRow
from footprint.serving.costs import THOUSAND, board_power, costs_of, it_power
from footprint.serving.load import Serving, quantity
from footprint.serving.model import Lists
from footprint.serving.prompting import Technique, find_technique
from footprint.serving.request import InferenceRequest
from footprint.serving.settle import Settled

PLAIN = "plain"


@record
class Calls:
    """The calls of one request: each reads a prompt and writes an answer."""

    calls: float
    prompts: float
    """How often a prompt is read."""
    prompt_tokens: float
    """Of one call."""
    output_tokens: float
    """Of one call."""


def calls_of(technique: Technique, prompt: int, output: float, paths: int, *, shared: bool) -> Calls:
    """The calls of a request by a technique.

    A search (Tree of Thoughts) makes as many calls of the plain prompt's length as its prompt tokens
    amount to.
    """
    searched = technique.prompt_ratio > 1.0
    calls = technique.prompt_ratio if searched else float(paths)
    written = technique.output_ratio * output / (technique.prompt_ratio if searched else 1.0)
    return Calls(
        calls=calls,
        prompts=1.0 if shared else calls,
        prompt_tokens=prompt + technique.added_prompt_tokens,
        output_tokens=written,
    )


def technique_rows(request: InferenceRequest, settled: Settled, facts: Facts) -> Iterator[TechniqueRow]:
    """The plain call, and each technique; both ways where several samples can share a prompt."""
    serving = settled.serving
    plain = Calls(
        calls=1.0, prompts=1.0, prompt_tokens=float(serving.prompt), output_tokens=float(serving.output)
    )
    plain_flop = flop_of_calls(settled, plain)
    yield _row(PLAIN, plain, None, plain_flop, "", settled, facts)
    for name in request.technique:
        technique = find_technique(name)
        paths = technique.paths_count
        if request.paths is not None and technique.is_sampled:
            paths = request.paths
        for shared in (True, False) if paths > 1 else (None,):
            calls = calls_of(technique, serving.prompt, serving.output, paths, shared=bool(shared))
            yield _row(name, calls, shared, plain_flop, technique.source, settled, facts)


def flop_of_calls(settled: Settled, calls: Calls) -> float:
    """FLOP of one request [FLOP]."""
    serving = _served(settled, calls)
    return calls.prompts * serving.prompt_flop + calls.calls * calls.output_tokens * serving.context.flop


def _served(settled: Settled, calls: Calls) -> Serving:
    """The load of one call."""
    prompt, output = max(1, round(calls.prompt_tokens)), max(1.0, calls.output_tokens)
    lists = Lists(settled.model.config, prompt)
    before = 0 if lists.target else prompt
    flop = settled.serving.model.token_flop
    return replace(
        settled.serving,
        context=lists.context(max(1, round(before + output / 2)), flop),
        full=lists.context(max(1, round(before + output)), flop),
        prompt_flop=lists.prompt_flop(),
        prompt=prompt,
        output=output,
    )


def _row(
    name: str,
    calls: Calls,
    shared: bool | None,
    plain_flop: float,
    source: str,
    settled: Settled,
    facts: Facts,
) -> TechniqueRow:
    serving = _served(settled, calls)
    copies = serving.layout.replicas

    def request_s(batch: float) -> float:
        """Time of one copy of the model that a request takes [s]."""
        point = serving.point(batch)
        written = calls.calls * calls.output_tokens * point.decode.time_s / batch
        return calls.prompts * point.shared_prompt_s + written

    def over_limit(batch: float, slower: float) -> float:
        return serving.board_over_limit(serving.point(batch), slower)

    rate = quantity(lambda batch, slower: copies / (request_s(batch) * slower), settled.over)
    board = board_power(facts, quantity(over_limit, settled.over), experts=bool(serving.model.experts))
    power = it_power(facts, board)
    costs = costs_of(facts, power.it_power_w, rate, THOUSAND)[0]
    flop = flop_of_calls(settled, calls)
    return TechniqueRow(
        technique=name,
        paths_count=round(calls.calls),
        shared_prefill=shared,
        prompt_tokens=calls.prompts * calls.prompt_tokens,
        output_tokens=calls.calls * calls.output_tokens,
        flop=flop,
        flop_ratio=flop / plain_flop,
        energy_kwh=costs.energy_kwh,
        cost_usd=costs.cost_usd,
        source=source,
    )
