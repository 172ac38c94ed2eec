"""How far off predictions of serving are, as the table of ``docs/inference.md``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from footprint.serving import inference
from footprint.serving.engine import UNSET, Engine, engine_ids
from footprint.serving.power import PowerConstants
from footprint.serving.settle import PowerErrors
from footprint.validation.published.serving import Outside, ServingCase


def table(
    named: Mapping[str, Sequence[Outside]],
    unnamed: Sequence[Outside],
    power_ends: PowerErrors,
) -> str:
    """Errors and coverage of the folds, as Markdown."""
    lines = [
        "| rows left out | rows | tokens/s | dense | experts | inside 90 % | J a token | inside 90 % |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    every = [one for found in named.values() for one in found]
    alone = [one for one in every if one.case.batch == 1 and one.case.phase == "decode"]
    compiled = [one for one in alone if one.case.engine != "transformers-2023"]
    groups: list[tuple[str, Sequence[Outside]]] = [
        *((f"{name}: a model", found) for name, found in named.items()),
        ("batch 1, decoding alone, engine named", alone),
        ("of these, compiled or fused engines", compiled),
        ("all, engine named", every),
    ]
    for source in sorted({one.case.source for one in unnamed}):
        own = [one for one in unnamed if one.case.source == source]
        groups.append((f"{source}: the source, engine not named", own))
    lines += [line(name, found, power_ends) for name, found in groups]
    weighed = [
        [one.inside for one in unnamed if one.case.source == source]
        for source in sorted({one.case.source for one in unnamed})
    ]
    covered = float(np.mean([np.mean(values) for values in weighed]))
    lines.append(
        f"| all, engine not named, sources weighed alike | {len(unnamed)} | | | | {100 * covered:.1f} % | | |"
    )
    return "\n".join([*lines, "", *sentences(named, unnamed, power_ends)])


def sentences(
    named: Mapping[str, Sequence[Outside]], unnamed: Sequence[Outside], power_ends: PowerErrors
) -> Iterator[str]:
    """What the table says, in words and exact."""
    rates = [[one.inside for one in found] for found in named.values()]
    joules = [
        own
        for found in named.values()
        if (own := [value for one in found if (value := one.energy_inside(power_ends)) is not None])
    ]
    sources = sorted({one.case.source for one in unnamed})
    apart = [[one.inside for one in unnamed if one.case.source == source] for source in sources]
    yield (
        f"Of each engine that is named the intervals hold {_span(rates)} of the rows in tokens/s and "
        f"{_span(joules)} in J a token; of each source whose engine is not named, {_span(apart)} in tokens/s."
    )
    yield ""
    # The source whose engine differs most from the typical one.
    logs = {s: float(np.median([one.log_ratio for one in unnamed if one.case.source == s])) for s in sources}
    worst = max(logs, key=lambda source: abs(logs[source]))
    unlike = [one for one in unnamed if one.case.source == worst]
    with_name = [one for found in named.values() for one in found if one.case.source == worst]
    low, high = (power_ends[kind] for kind in (False, True))
    yield (
        f"Without the engine's name the rows of {worst} take {math.exp(logs[worst]):.1f} times as long as "
        f"predicted in the median. With it the median error of their tokens/s falls from "
        f"{_median(math.expm1(one.log_ratio) for one in unlike)} to "
        f"{_median(math.expm1(one.log_ratio) for one in with_name)}. The watts are measured at "
        f"{low[0]:.2f} to {low[1]:.2f} times the prediction without experts, and at {high[0]:.2f} to "
        f"{high[1]:.2f} times with them."
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
    lines = [
        "| sealed rows | rows | tokens/s | dense | experts | inside 90 % | J a token | inside 90 % |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for source, engine in sorted({(case.source, case.engine) for case in cases}):
        own = [case for case in cases if (case.source, case.engine) == (source, engine)]
        names = {"named": engine} if engine in engine_ids() else {}
        for title, name in (names | {"not named": UNSET}).items():
            found = [Outside(case, engine_of(name), power) for case in own]
            lines.append(line(f"{source}, {engine}, engine {title}", found, power_ends))
    return "\n".join(lines)


def without_batch(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows that state no batch, with all requests open at once and with nothing said, engine not named."""
    lines = []
    for title, load in (("all requests open at once", {"concurrency": 10**6}), ("no batch given", {})):
        errors, inside = [], []
        for row in rows:
            ep, tp = int(row["ep"] or 1), int(row["tp"])
            answer = inference(
                model=row["shape"], hw=f"{row['accelerator']}:{row['accelerators']}",
                prompt_tokens=int(row["prompt_tokens"]), output_tokens=int(row["output_tokens"]),
                precision=row["precision"], **({"ep": ep} if ep > 1 and tp == 1 else {"tp": tp}), **load,
            )  # fmt: skip
            rate = answer.requests_per_s * int(row["output_tokens"])
            measured = float(row["tokens_per_s"])
            errors.append(rate.mid / measured - 1.0)
            inside.append(bool(rate.low <= measured <= rate.high))
        cells = [_median(iter(errors)), "", "", _share(iter(inside)), "", ""]
        lines.append(f"| {rows[0]['source']}, {title} | {len(rows)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
