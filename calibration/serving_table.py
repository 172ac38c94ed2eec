"""How far off predictions of serving are, as the table of ``docs/inference.md``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from footprint.serving import inference
from footprint.serving.engine import UNSET, Engine
from footprint.serving.power import PowerConstants
from footprint.serving.settle import PowerErrors
from footprint.validation.published.serving import ELSEWHERE, UNNAMED, Outside
from footprint.validation.published.serving_rows import ServingCase

HEAD = [
    "| rows left out | rows | tokens/s | dense | experts | inside 90 % | J a token | inside 90 % |",
    "|---|---:|---:|---:|---:|---:|---:|---:|",
]


def table(
    named: Mapping[str, Sequence[Outside]],
    apart: Sequence[Outside],
    unnamed: Sequence[Outside],
    power_ends: PowerErrors,
) -> str:
    """Errors and coverage of the folds, as Markdown: a model left out, a source, and no engine named."""
    lines = list(HEAD)
    every = [one for found in named.values() for one in found]
    alone = [one for one in every if one.case.batch == 1 and one.case.phase == "decode"]
    compiled = [one for one in alone if not one.case.engine.startswith("transformers")]
    groups: list[tuple[str, Sequence[Outside]]] = [
        *((f"{name}: a model", found) for name, found in named.items()),
        ("batch 1, decoding alone, engine named", alone),
        ("of these, compiled or fused engines", compiled),
        ("one prompt alone, engine named", [one for one in every if one.case.phase == "prompt"]),
        ("all, engine named", every),
        *((f"{fold}, the source", found) for fold, found in _by(apart, ELSEWHERE).items()),
    ]
    lines += [line(name, found, power_ends) for name, found in groups]
    lines.append(_alike("all, engine named, a source left out, sources weighed alike", apart, ELSEWHERE))
    lines += [
        line(f"{source}: the source, engine not named", found, power_ends)
        for source, found in _by(unnamed, UNNAMED).items()
    ]
    lines.append(_alike("all, engine not named, sources weighed alike", unnamed, UNNAMED))
    return "\n".join([*lines, "", *sentences(named, apart, unnamed, power_ends)])


def _by(found: Sequence[Outside], by: str) -> dict[str, list[Outside]]:
    groups: dict[str, list[Outside]] = {}
    for one in sorted(found, key=lambda one: one.fold(by)):
        groups.setdefault(one.fold(by), []).append(one)
    return groups


def _alike(name: str, found: Sequence[Outside], by: str) -> str:
    shares = [np.mean([one.inside for one in own]) for own in _by(found, by).values()]
    return f"| {name} | {len(found)} | | | | {100 * float(np.mean(shares)):.1f} % | | |"


def sentences(
    named: Mapping[str, Sequence[Outside]],
    apart: Sequence[Outside],
    unnamed: Sequence[Outside],
    power_ends: PowerErrors,
) -> Iterator[str]:
    """What the table says, in words and exact."""
    rates = [[one.inside for one in found] for found in named.values()]
    joules = [
        own
        for found in named.values()
        if (own := [value for one in found if (value := one.energy_inside(power_ends)) is not None])
    ]
    of_sources = [[one.inside for one in own] for own in _by(unnamed, UNNAMED).values()]
    yield (
        f"Of each engine that is named the intervals hold {_span(rates)} of the rows in tokens/s and "
        f"{_span(joules)} in J a token where a model was left out; of each source whose engine is not named, "
        f"{_span(of_sources)} in tokens/s."
    )
    yield ""
    engines: dict[str, list[float]] = {}
    for rows in _by(apart, ELSEWHERE).values():
        engines.setdefault(rows[0].case.engine, []).append(float(np.mean([one.inside for one in rows])))
    held = ", ".join(f"{name} {100 * float(np.mean(shares)):.0f} %" for name, shares in engines.items())
    yield f"Of a named engine's source that was left out they hold, sources weighed alike: {held}."
    yield ""
    logs = {
        source: float(np.median([one.log_ratio for one in own]))
        for source, own in _by(unnamed, UNNAMED).items()
    }
    ends = (min(logs, key=lambda source: logs[source]), max(logs, key=lambda source: logs[source]))
    low, high = (power_ends[kind] for kind in (False, True))
    yield (
        f"Without the engine's name the rows of {ends[0]} take {math.exp(logs[ends[0]]):.2f} times as long "
        f"as predicted in the median and those of {ends[1]} {math.exp(logs[ends[1]]):.1f} times. "
        f"The watts are measured at {low[0]:.2f} to {low[1]:.2f} times the prediction without experts, and "
        f"at {high[0]:.2f} to {high[1]:.2f} times with them."
    )


def _span(groups: Sequence[Sequence[bool]]) -> str:
    shares = sorted(100 * float(np.mean(values)) for values in groups)
    return f"{shares[0]:.1f} to {shares[-1]:.1f} %"


def line(name: str, found: Sequence[Outside], power_ends: PowerErrors) -> str:
    """One row of the table."""
    energies = [one.energy_ratio for one in found]
    covered = [one.energy_inside(power_ends) for one in found]
    cells = [
        _median(math.expm1(one.log_ratio) for one in found),
        _median(math.expm1(one.log_ratio) for one in found if not one.case.experts),
        _median(math.expm1(one.log_ratio) for one in found if one.case.experts),
        _share(one.inside for one in found),
        _median(1.0 / ratio - 1.0 for ratio in energies if ratio is not None),
        _share(value for value in covered if value is not None),
    ]
    return f"| {name} | {len(found)} | " + " | ".join(cells) + " |"


def _median(errors: Iterator[float]) -> str:
    values = [abs(error) for error in errors]
    return f"{100 * float(np.median(values)):.1f} %" if values else "-"


def _share(inside: Iterator[bool]) -> str:
    values = list(inside)
    return f"{100 * float(np.mean(values)):.1f} %" if values else "-"


def sealed_table(
    cases: Sequence[ServingCase],
    engine_of: Callable[[str], Engine],
    power: PowerConstants,
    power_ends: PowerErrors,
) -> str:
    """The same of the sealed rows, by the shipped constants, engine named and not."""
    lines = list(HEAD)
    for source, server in sorted({(case.source, case.server) for case in cases}):
        own = [case for case in cases if (case.source, case.server) == (source, server)]
        names = dict.fromkeys([server, own[0].engine, UNSET])
        for name in names:
            found = [Outside(case, engine_of(name), power) for case in own]
            lines.append(line(f"{source}, {server}, as {name}", found, power_ends))
    return "\n".join(lines)


def without_batch(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows that state no batch, with all requests open and with nothing said, engine named and not."""
    lines = list(HEAD)
    for source in sorted({row["source"] for row in rows}):
        own = [row for row in rows if row["source"] == source]
        for title, load in (("all requests open at once", {"concurrency": 10**6}), ("no batch given", {})):
            for named in (True, False):
                found = [served(row, load, named) for row in own]
                cells = [_median(error for error, _ in found), "", "", _share(inside for _, inside in found)]
                name = f"{source}, {title}, engine {'named' if named else 'not named'}"
                lines.append(f"| {name} | {len(own)} | " + " | ".join([*cells, "", ""]) + " |")
    return "\n".join(lines)


def served(row: Mapping[str, str], load: Mapping[str, int], named: bool) -> tuple[float, bool]:
    """The error of a row's tokens/s as the command answers it, and whether the interval holds the row."""
    ep, tp = int(row["ep"] or 1), int(row["tp"])
    answer = inference(
        model=row["shape"], hw=f"{row['accelerator']}:{row['accelerators']}",
        prompt_tokens=int(row["prompt_tokens"]), output_tokens=round(float(row["output_tokens"])),
        precision=row["precision"], **({"engine": row["engine"]} if named else {}),
        **({"ep": ep} if ep > 1 and tp == 1 else {"tp": tp}), **load,
    )  # fmt: skip
    rate = answer.requests_per_s * float(row["output_tokens"])
    measured = float(row["tokens_per_s"])
    return rate.mid / measured - 1.0, bool(rate.low <= measured <= rate.high)
