"""Fit the constants of serving engines and of boards that serve, and say how far off they are.

    python -m calibration.serving            # fit, print the folds' errors, compare with the shipped files
    python -m calibration.serving --write    # fit, and write the files and the table of docs/inference.md
    python -m calibration.serving --sealed   # the rows that no fit reads, by the shipped files

The rows are those of ``reference_data/published/serving.csv``. What ``serving_sealed.toml`` names is never
read by a fit. An engine that is named is judged by folds that leave out one model at a time; an engine that
is not named, by folds that leave out a whole source. The fit minimises squared log ratios with outliers
held back, and pulls each constant weakly to a prior, which decides where rows say nothing.
"""

from __future__ import annotations

import argparse
import math
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.tables import Fitted, text_of
from footprint.catalog.__main__ import main as write_indices
from footprint.catalog.files import reference_folder
from footprint.serving.engine import Constants, Engine, Spread, engine_ids, load_engine
from footprint.serving.power import PowerConstants
from footprint.validation.serving import ONE_STAGE, ServingCase, serving_cases

Vector = NDArray[np.float64]
SEALED = Path(__file__).with_name("serving_sealed.toml")
ENGINES = reference_folder() / "engines"
NUMBERS = reference_folder() / "assumptions" / "serving_fitted.toml"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "inference.md"
PRIOR = Constants(
    memory_rate=0.75, matmul_rate=0.5, step_host_s=1e-3, layer_host_s=3e-5, sequence_host_s=3e-5,
    hop_s=1.5e-5, expert_factor=1.2, narrow_factor=1.0,
)  # fmt: skip
"""Where the search begins, and what a constant stays near if no row says anything of it."""
WIDTH = Constants(
    memory_rate=0.15, matmul_rate=0.4, step_host_s=1.5, layer_host_s=1.0, sequence_host_s=1.5, hop_s=1.0,
    expert_factor=0.5, narrow_factor=0.3,
)  # fmt: skip
"""Standard deviations of the logarithms of the prior."""
MOST = Constants(
    memory_rate=0.95, matmul_rate=0.9, step_host_s=1.0, layer_host_s=1.0, sequence_host_s=1.0, hop_s=1.0,
    expert_factor=10.0, narrow_factor=10.0,
)  # fmt: skip
"""No engine reaches more than the data sheet; 5 % go to refresh and row changes."""
ROW_ERROR = 0.1
"""Error of one row at which an outlier begins to count less."""
FEW = 20
"""Below so many residuals the interval is that of all engines together."""
ABOUT = {
    "vllm-2026": ("vLLM of 2025 and 2026", 2025, ("vllm",)),
    "vllm-2024": ("vLLM of 2024 (with its host on the way of every token)", 2024, ()),
    "transformers-2023": (
        "transformers in eager PyTorch, one request at a time",
        2023,
        ("transformers", "hf"),
    ),
    "gpt-fast-2024": ("gpt-fast: compiled PyTorch, one request at a time", 2024, ("gpt-fast",)),
    "deepspeed-2022": ("DeepSpeed-Inference", 2022, ("deepspeed",)),
    "accelerate-2022": ("transformers with accelerate, layer after layer", 2022, ("accelerate",)),
}


class Score(NamedTuple):
    """What the folds of one engine, or of a source whose engine is not named, come to."""

    rows: int
    median: float
    dense: float
    experts: float
    covered: float
    energy: float


def sealed() -> Callable[[ServingCase], bool]:
    """Whether a case is one that no fit reads."""
    rules = tomllib.loads(SEALED.read_text("utf-8"))
    return lambda case: case.source in rules["sources"] or f"{case.source}/{case.model}" in rules["models"]


def search(residuals: Callable[[Vector], Vector], start: Vector, low: Vector, high: Vector) -> Vector:
    """Least squares by Gauss and Newton with a damping that adapts; derivatives by differences."""
    at, damping = start.copy(), 1e-2
    here = residuals(at)
    for _ in range(60):
        slopes = np.column_stack([(residuals(at + step) - here) / 1e-5 for step in 1e-5 * np.eye(len(at))])
        square = slopes.T @ slopes
        moved = False
        for _ in range(8):
            step = np.linalg.solve(square + damping * np.diag(np.diag(square) + 1e-9), -slopes.T @ here)
            trial = np.clip(at + step, low, high)
            there = residuals(trial)
            if there @ there < here @ here:
                moved = here @ here - there @ there > 1e-9 * (here @ here)
                at, here, damping = trial, there, max(damping / 5, 1e-9)
                break
            damping *= 5
        if not moved:
            break
    return at


def softened(ratio: Vector) -> Vector:
    """Residuals whose squares grow linearly beyond 1."""
    signed: Vector = np.sign(ratio) * np.sqrt(2 * (np.sqrt(1 + ratio**2) - 1))
    return signed


def fit_engine(cases: Sequence[ServingCase]) -> Constants:
    """The constants of one engine on these rows."""
    measured = np.log([case.measured_s for case in cases])
    prior, width = np.log(PRIOR), np.array(WIDTH)

    def residuals(at: Vector) -> Vector:
        reached = Constants(*np.exp(at))
        rows = np.log([case.time_s(reached) for case in cases]) - measured
        return np.concatenate([softened(rows / ROW_ERROR), (at - prior) / width])

    low = np.log([0.05, 0.02, 1e-6, 1e-8, 1e-8, 1e-7, 1.0, 0.5])
    return Constants(*(float(f"{v:.4g}") for v in np.exp(search(residuals, prior, low, np.log(MOST)))))


def typical(engines: Sequence[Constants]) -> Constants:
    """Geometric mean of the engines' constants."""
    return Constants(*(float(f"{v:.4g}") for v in np.exp(np.mean(np.log(engines), axis=0))))


def fit_power(cases: Sequence[ServingCase], reached: dict[str, Constants]) -> PowerConstants:
    """Board power from bandwidth and compute shares, on the rows that measured it."""
    used = [case for case in cases if case.board_w]
    measured = np.log([case.board_w or 1.0 for case in used])

    def residuals(at: Vector) -> Vector:
        constants = PowerConstants(*at)
        rows = np.log([measured_power(case, reached[case.engine], constants) for case in used])
        return softened((rows - measured) / ROW_ERROR)

    found = search(
        residuals, np.array([0.2, 0.8, 1.9]), np.array([0.05, 0.0, 0.0]), np.array([1.0, 2.0, 4.0])
    )
    return PowerConstants(*(float(f"{v:.4g}") for v in found))


def measured_power(case: ServingCase, reached: Constants, constants: PowerConstants) -> float:
    """Power at the measured time, so that errors of the time are not fitted into the power."""
    scale = case.time_s(reached) / case.measured_s
    share = PowerConstants(constants.idle, constants.bandwidth * scale, constants.compute * scale)
    return case.power_w(reached, share)


def folds(
    cases: Sequence[ServingCase],
    of: Callable[[ServingCase], str],
    fit: Callable[[list[ServingCase]], Constants],
) -> list[tuple[ServingCase, Constants]]:
    """Every case with the constants of a fit without its fold."""
    found = []
    for fold in sorted({of(case) for case in cases}):
        others = [case for case in cases if of(case) != fold]
        if others:
            reached = fit(others)
            found += [(case, reached) for case in cases if of(case) == fold]
    return found


def ratio(case: ServingCase, reached: Constants) -> float:
    """Log of measured over predicted time."""
    return math.log(case.measured_s / case.time_s(reached))


def ends(residuals: Sequence[float]) -> Spread:
    """The interval that held 90 % of these residuals; at least 5 % to either side."""
    low, high = np.quantile(residuals, [0.05, 0.95])
    return Spread(
        low=float(f"{math.exp(min(low, -0.05)):.3g}"), high=float(f"{math.exp(max(high, 0.05)):.3g}")
    )


def by_kind(found: Sequence[tuple[ServingCase, Constants]], experts: bool) -> list[float]:
    """Residuals of models with or without experts."""
    return [ratio(case, reached) for case, reached in found if case.experts == experts]


class Result(NamedTuple):
    """All that a run of this program found."""

    engines: dict[str, Engine]
    power: PowerConstants
    power_ends: Spread
    table: str


def calibrate() -> Result:
    """Fit everything on the rows that are not sealed."""
    is_sealed = sealed()
    cases = [case for case in serving_cases() if not is_sealed(case)]
    for case in cases:
        if case.measured_s < case.best_s:
            raise SystemExit(f"{case.id} beats the bandwidth of its chip: the row or its weights are wrong")
    names = sorted({case.engine for case in cases})
    of = {name: [case for case in cases if case.engine == name] for name in names}
    fitted = {name: fit_engine(of[name]) for name in names}
    named = {name: named_folds(of[name], fitted[name]) for name in names}
    everything = [pair for found in named.values() for pair in found]
    # An engine that is not named: the mean of those engines whose rows come from other sources.
    unnamed = []
    for source in sorted({case.source for case in cases}):
        others = [fitted[name] for name in names if all(case.source != source for case in of[name])]
        unnamed += [(case, typical(others)) for case in cases if case.source == source]
    power = fit_power(cases, fitted)
    outside = power_folds(cases, fitted)
    engines = {
        name: Engine(
            id=name, name=ABOUT[name][0], since=ABOUT[name][1], aliases=ABOUT[name][2],
            constants=fitted[name], source="; ".join(sorted({case.source for case in of[name]})),
            dense=_ends(by_kind(named[name], False), by_kind(everything, False)),
            experts=_ends(by_kind(named[name], True), by_kind(everything, True)),
            one_stage_at_a_time=name in ONE_STAGE,
            note=f"{len(of[name])} rows; intervals by folds that leave out a model",
        )
        for name in names
    }  # fmt: skip
    weighed = balanced(unnamed)
    engines["typical"] = Engine(
        id="typical", name="no engine named", since=2022, constants=typical(list(fitted.values())),
        source="; ".join(sorted({case.source for case in cases})), dense=weighed, experts=weighed,
        note="geometric mean of the engines; intervals by folds that leave out a source",
    )  # fmt: skip
    power_ends = ends([math.log((case.board_w or 1) / watts) for case, watts in outside])
    table = render_table(named, unnamed, engines, cases, outside, fitted)
    return Result(engines, power, power_ends, table)


def _ends(own: list[float], every: list[float]) -> Spread:
    return ends(own if len(own) >= FEW else every)


def named_folds(cases: list[ServingCase], whole: Constants) -> list[tuple[ServingCase, Constants]]:
    """Folds by model; an engine with one model has none, and is judged by the batch instead."""
    if len({case.shape for case in cases}) > 1:
        return folds(cases, lambda case: case.shape, fit_engine)
    return folds(cases, lambda case: f"{case.batch:g}", fit_engine) or [(case, whole) for case in cases]


def balanced(found: Sequence[tuple[ServingCase, Constants]]) -> Spread:
    """The interval that holds 90 % where each source weighs as much as any other."""
    rows: list[tuple[float, float]] = []
    for source in sorted({case.source for case, _ in found}):
        own = [ratio(case, reached) for case, reached in found if case.source == source]
        rows += [(value, 1.0 / len(own)) for value in own]
    rows.sort()
    reached, whole = np.cumsum([weight for _, weight in rows]), sum(weight for _, weight in rows)
    low, high = (rows[int(np.searchsorted(reached, share * whole))][0] for share in (0.05, 0.95))
    return Spread(low=float(f"{math.exp(low):.3g}"), high=float(f"{math.exp(high):.3g}"))


def power_folds(
    cases: Sequence[ServingCase], fitted: dict[str, Constants]
) -> list[tuple[ServingCase, float]]:
    """Measured cases with the power of a fit without their source."""
    found = []
    used = [case for case in cases if case.board_w]
    for source in sorted({case.source for case in used}):
        constants = fit_power([case for case in used if case.source != source], fitted)
        found += [
            (case, measured_power(case, fitted[case.engine], constants))
            for case in used
            if case.source == source
        ]
    return found


def score(
    found: Sequence[tuple[ServingCase, Constants]],
    engine: Callable[[ServingCase], Engine],
    power: PowerConstants,
) -> Score:
    """Errors of tokens/s and of J a token, and the share of rows inside their interval."""
    rates = [math.expm1(ratio(case, reached)) for case, reached in found]
    shares = [abs(1 / (1 + rate) - 1) for rate in rates]
    inside = [
        engine(case).spread(experts=case.experts).low
        <= math.exp(ratio(case, reached))
        <= engine(case).spread(experts=case.experts).high
        for case, reached in found
    ]
    energy = [
        abs(case.power_w(reached, power) * case.time_s(reached) / (case.board_w * case.measured_s) - 1)
        for case, reached in found
        if case.board_w
    ]

    def middle(values: Sequence[float]) -> float:
        return float(np.median(values)) if len(values) else math.nan

    kinds = [case.experts for case, _ in found]
    return Score(
        rows=len(found),
        median=middle(shares),
        dense=middle([share for share, kind in zip(shares, kinds, strict=True) if not kind]),
        experts=middle([share for share, kind in zip(shares, kinds, strict=True) if kind]),
        covered=float(np.mean(inside)),
        energy=middle(energy),
    )


def render_table(
    named: dict[str, list[tuple[ServingCase, Constants]]],
    unnamed: list[tuple[ServingCase, Constants]],
    engines: dict[str, Engine],
    cases: Sequence[ServingCase],
    outside: Sequence[tuple[ServingCase, float]],
    fitted: dict[str, Constants],
) -> str:
    """The folds' errors as a Markdown table."""
    power = {
        source: fit_power([case for case in cases if case.source != source], fitted)
        for source in sorted({case.source for case in cases})
    }
    lines = [
        "| rows left out | rows | tokens/s, median error | dense | experts | inside 90 % | J a token |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]

    def add(name: str, found: Sequence[tuple[ServingCase, Constants]], engine: Engine) -> None:
        one = score(found, lambda _: engine, power[found[0][0].source])
        figures = (one.median, one.dense, one.experts, one.covered, one.energy)
        shown = ("-" if math.isnan(value) else f"{100 * value:.1f} %" for value in figures)
        lines.append(f"| {name} | {one.rows} | " + " | ".join(shown) + " |")

    for name, found in named.items():
        add(f"{name}, by model", found, engines[name])
    alone = [(c, r) for found in named.values() for c, r in found if c.batch == 1 and c.phase == "decode"]
    if alone:
        one = score(alone, lambda case: engines[case.engine], power[alone[0][0].source])
        lines.append(
            f"| decode at batch 1, engine named | {one.rows} | {100 * one.median:.1f} % | | | {100 * one.covered:.1f} % | |"
        )
    for source in sorted({case.source for case, _ in unnamed}):
        add(f"{source}, engine not named", [p for p in unnamed if p[0].source == source], engines["typical"])
    whole = [pair for found in named.values() for pair in found]
    one = score(whole, lambda case: engines[case.engine], power["mlenergy-v3"])
    lines.append(
        f"| all, engine named | {one.rows} | {100 * one.median:.1f} % | {100 * one.dense:.1f} % | {100 * one.experts:.1f} % | {100 * one.covered:.1f} % | |"
    )
    per_source = [
        score(
            [p for p in unnamed if p[0].source == source], lambda _: engines["typical"], power[source]
        ).covered
        for source in sorted({case.source for case, _ in unnamed})
    ]
    lines.append(
        f"| all, engine not named, sources weighed alike | {len(unnamed)} | | | | {100 * float(np.mean(per_source)):.1f} % | |"
    )
    watts = [abs(value / (case.board_w or 1) - 1) for case, value in outside]
    lines.append(
        f"| board power at the measured speed, by source | {len(watts)} | {100 * float(np.median(watts)):.1f} % (watts) | | | | |"
    )
    return "\n".join(lines)


def engine_text(engine: Engine) -> str:
    """The file of an engine."""
    lines = [
        "# Written by `python -m calibration.serving --write`; never by hand.",
        "",
        f'id = "{engine.id}"',
        f'name = "{engine.name}"',
        f"since = {engine.since}",
        f"aliases = [{', '.join(f'{chr(34)}{alias}{chr(34)}' for alias in engine.aliases)}]",
        f'source = "{engine.source}"',
        f"one_stage_at_a_time = {str(engine.one_stage_at_a_time).lower()}",
        f'note = "{engine.note}"',
        "",
        "[constants]",
        *(f"{name} = {value:.4g}" for name, value in engine.constants._asdict().items()),
    ]
    for kind in ("dense", "experts"):
        spread: Spread = getattr(engine, kind)
        lines += ["", f"[{kind}]", f"low = {spread.low:.3g}", f"high = {spread.high:.3g}"]
    return "\n".join(lines) + "\n"


def power_text(power: PowerConstants, power_ends: Spread) -> str:
    """The file of the power constants."""
    note = "board power over its limit while serving; serving rows with measured watts"
    rows: list[Fitted] = [
        (f"{name}_over_tdp", value, value, value, "1", note) for name, value in power._asdict().items()
    ]
    rows.append(
        ("power_error", 1.0, power_ends.low, power_ends.high, "1", "measured over predicted, by source")
    )
    head = ["Written by `python -m calibration.serving --write`; never by hand.", "Ends bound 90 %."]
    return text_of(head, rows, "mlenergy-v1; mlenergy-v2; mlenergy-v3", 4)


def print_sealed() -> None:
    """The sealed rows by the shipped files."""
    from footprint.catalog.assumptions import assumed_values

    values = assumed_values("serving_fitted")
    power = PowerConstants(values["idle_over_tdp"], values["bandwidth_over_tdp"], values["compute_over_tdp"])
    is_sealed = sealed()
    engines = {name: load_engine(name) for name in [*engine_ids(), "typical"]}
    cases = [case for case in serving_cases() if is_sealed(case)]
    for source in sorted({case.source for case in cases}):
        own = [case for case in cases if case.source == source]
        for title, choose in (
            ("named", lambda case: engines[case.engine]), ("not named", lambda case: engines["typical"])
        ):  # fmt: skip
            print(source, title, score([(case, choose(case).constants) for case in own], choose, power))


def main(arguments: list[str] | None = None) -> int:
    """Fit, print, and write or compare; exit code 1 if the shipped files differ from the fit."""
    parser = argparse.ArgumentParser(
        prog="python -m calibration.serving", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--write", action="store_true", help="write the files instead of comparing with them")
    parser.add_argument("--sealed", action="store_true", help="read the rows that no fit reads")
    options = parser.parse_args(arguments)
    if options.sealed:
        print_sealed()
        return 0
    found = calibrate()
    print(found.table)
    texts = {ENGINES / f"{name}.toml": engine_text(engine) for name, engine in found.engines.items()}
    texts[NUMBERS] = power_text(found.power, found.power_ends)
    if options.write:
        ENGINES.mkdir(exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
        if PAGE.is_file():
            head, _, rest = PAGE.read_text("utf-8").partition("<!-- folds -->\n")
            _, _, tail = rest.partition("<!-- end -->\n")
            PAGE.write_text(f"{head}<!-- folds -->\n{found.table}\n<!-- end -->\n{tail}", encoding="utf-8")
        write_indices()
        return 0
    apart = [
        path.name for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text
    ]
    print(*(f"{name} is not what the fit gives" for name in apart), sep="\n")
    return 1 if apart else 0


if __name__ == "__main__":
    sys.exit(main())
