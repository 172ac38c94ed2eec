"""Fit the constants of serving engines and of boards that serve, and say how far off they are.

    python -m calibration.serving            # fit, print the folds' errors, compare with the shipped files
    python -m calibration.serving --write    # fit, and write the files and the table of docs/inference.md
    python -m calibration.serving --sealed   # the rows that no fit reads, by the shipped files

The rows are those of ``reference_data/published/serving.csv``. What ``evaluation.toml`` seals is never
read by a fit. An engine that is named is judged by folds that leave out one model at a time; an engine that
is not named, by folds that leave out a whole source. Neither constants nor intervals have seen the rows.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from calibration.serving_fit import fit_engine, fit_power, typical
from calibration.serving_table import sealed_table, table, without_batch
from calibration.serving_widths import balanced, by_sources, interval, power_interval, with_own_interval
from calibration.tables import Fitted, text_of
from footprint.catalog.__main__ import main as write_indices
from footprint.catalog.files import read_csv, reference_folder
from footprint.records import replace
from footprint.serving.engine import UNSET, Constants, Engine, Spread, load_engine
from footprint.serving.power import PowerConstants
from footprint.serving.settle import PowerErrors, power_constants, power_errors
from footprint.validation.cases import evaluation
from footprint.validation.published.serving import (
    FOLDS,
    NAMED,
    ONE_STAGE,
    UNNAMED,
    Outside,
    ServingCase,
    is_sealed,
    part_of,
    serving_cases,
)

ENGINES = reference_folder() / "engines"
NUMBERS = reference_folder() / "assumptions" / "serving_fitted.toml"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "inference.md"
ABOUT: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "vllm-2026": ("vLLM of 2025 and 2026", 2025, ("vllm",)),
    "vllm-2024": ("vLLM of 2024 as ML.ENERGY ran it", 2024, ()),
    "transformers-2023": ("transformers in eager PyTorch", 2023, ("transformers", "hf")),
    "gpt-fast-2024": ("gpt-fast, compiled PyTorch", 2024, ("gpt-fast",)),
    "deepspeed-2022": ("DeepSpeed-Inference", 2022, ("deepspeed",)),
    "accelerate-2022": ("transformers with accelerate, one chip after the other", 2022, ("accelerate",)),
}
NOT_NAMED = "typical engine"


def calibrate() -> tuple[dict[Path, str], str]:
    """The text of every fitted file, and the table of the folds' errors."""
    cases = [case for case in serving_cases() if not is_sealed(case)]
    for case in cases:
        if case.measured_s < case.best_s:
            raise SystemExit(f"{case.id} beats the bandwidth of its chip: the row or its weights are wrong")
    names = sorted({case.engine for case in cases})
    of = {name: [case for case in cases if case.engine == name] for name in names}
    fitted = {name: fit_engine(of[name]) for name in names}
    power = fit_power(cases)
    watts = {
        fold: fit_power([case for case in cases if case.shape != fold])
        for fold in sorted({case.shape for case in cases})
    }
    named = {name: named_folds(of[name], bare(name, of[name], fitted[name]), watts) for name in names}
    every = [one for found in named.values() for one in found]
    elsewhere = {name: in_other_sources(bare(name, of[name], fitted[name]), power) for name in names}
    engines = {
        name: replace(
            bare(name, of[name], fitted[name]),
            dense=interval(named[name], every, elsewhere[name], experts=False),
            experts=interval(named[name], every, elsewhere[name], experts=True),
        )
        for name in names
    }
    mean = typical([(ABOUT[name][1], fitted[name]) for name in names])
    unnamed = unnamed_folds(cases, fitted)
    wide, whole = balanced(unnamed), by_sources(unnamed)
    engines[UNSET] = replace(
        bare(UNSET, cases, mean), dense=wide, experts=wide,
        note="geometric mean of the engines, newer ones first; interval by sources left out, host apart",
    )  # fmt: skip
    power_ends = {kind: power_interval(every, experts=kind)[:2] for kind in (False, True)}
    shown = {name: with_own_interval(found, every, elsewhere[name]) for name, found in named.items()}
    texts = {ENGINES / f"{name}.toml": engine_text(engine) for name, engine in engines.items()}
    texts[NUMBERS] = power_text(power, power_ends)
    texts[FOLDS] = folds_text([one for found in shown.values() for one in found], whole)
    return texts, table(shown, whole, power_ends)


def bare(name: str, cases: Sequence[ServingCase], constants: Constants) -> Engine:
    """An engine whose intervals are still to be found."""
    title, since, aliases = ABOUT.get(name, (NOT_NAMED, 2022, ()))
    return Engine(
        id=name, name=title, since_year=since, aliases=aliases, constants=constants,
        dense=Spread(1.0, 1.0), experts=Spread(1.0, 1.0),
        source="; ".join(sorted({case.source for case in cases})),
        one_stage_at_a_time=name in ONE_STAGE,
        note=f"{len(cases)} rows; interval by models left out, and by other sources where there are any",
    )  # fmt: skip


def in_other_sources(engine: Engine, power: PowerConstants) -> list[Outside]:
    """An engine's cases in the sources that set widths alone, by the constants that are shipped."""
    widths = evaluation()["serving"]["sources_of_widths"]
    cases = [case for case in serving_cases() if case.source in widths and case.engine == engine.id]
    return [Outside(case, engine, power) for case in cases]


def named_folds(cases: list[ServingCase], engine: Engine, watts: dict[str, PowerConstants]) -> list[Outside]:
    """Folds by model; an engine with one model is judged by the batch instead."""
    found = []
    for fold in sorted({part_of(case) for case in cases}):
        reached = replace(engine, constants=fit_engine([case for case in cases if part_of(case) != fold]))
        found += [Outside(case, reached, watts[case.shape]) for case in cases if part_of(case) == fold]
    return found


def unnamed_folds(cases: list[ServingCase], fitted: dict[str, Constants]) -> list[Outside]:
    """Each source by the mean of the engines, and by the power, of the other sources."""
    found = []
    for source in sorted({case.source for case in cases}):
        others = [case for case in cases if case.source != source]
        constants = [(ABOUT[name][1], fitted[name]) for name in sorted({case.engine for case in others})]
        engine, power = bare(UNSET, others, typical(constants)), fit_power(others)
        found += [Outside(case, engine, power) for case in cases if case.source == source]
    return found


def folds_text(named: Sequence[Outside], unnamed: Sequence[Outside]) -> str:
    """The constants of each fold as the text of their table."""
    lines = ["by,fold,name,value,source,basis"]
    rows: dict[str, None] = {}
    for by, found in ((NAMED, named), (UNNAMED, unnamed)):
        for one in found:
            numbers = {**one.engine.constants._asdict(), **one.power._asdict()}
            spread = one.engine.spread(experts=one.case.experts)._asdict()
            numbers |= {name: value for name, value in spread.items() if value is not None}
            for name, value in numbers.items():
                rows[f"{by},{one.fold(by)},{name},{value:.6g},published-serving,fitted"] = None
    return "\n".join([*lines, *rows]) + "\n"


def engine_text(engine: Engine) -> str:
    """The file of an engine."""
    lines = [
        "# Written by `python -m calibration.serving --write`; never by hand.",
        "",
        f'id = "{engine.id}"',
        f'name = "{engine.name}"',
        f"since_year = {engine.since_year}",
        "aliases = [" + ", ".join(f'"{alias}"' for alias in engine.aliases) + "]",
        f'source = "{engine.source}"',
        f'basis = "{engine.basis}"',
        f"one_stage_at_a_time = {str(engine.one_stage_at_a_time).lower()}",
        f'note = "{engine.note}"',
        "",
        "[constants]",
        *(f"{name} = {value:.4g}" for name, value in engine.constants._asdict().items()),
    ]
    for kind, spread in (("dense", engine.dense), ("experts", engine.experts)):
        lines += [
            "",
            f"[{kind}]",
            *(f"{name} = {value:.3g}" for name, value in spread._asdict().items() if value),
        ]
    return "\n".join(lines) + "\n"


def power_text(power: PowerConstants, power_ends: PowerErrors) -> str:
    """The file of the power constants."""
    note = "board power over its limit while serving; rows with measured watts"
    rows: list[Fitted] = [
        (f"{name}_over_tdp", value, value, value, "1", note) for name, value in power._asdict().items()
    ]
    for experts, name in ((False, "dense"), (True, "experts")):
        note = f"measured over predicted power of {name} models, a model left out"
        rows.append((f"power_error_{name}", 1.0, *power_ends[experts], "1", note))
    head = ["Written by `python -m calibration.serving --write`; never by hand.", "Ends bound 90 %."]
    return text_of(head, rows, "mlenergy-v1; mlenergy-v2; mlenergy-v3", 4)


def main(arguments: list[str] | None = None) -> int:
    """Fit, print, and write or compare; exit code 1 if the shipped files differ from the fit."""
    parser = argparse.ArgumentParser(prog="python -m calibration.serving", description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the files instead of comparing with them")
    parser.add_argument("--sealed", action="store_true", help="read the rows that no fit reads")
    options = parser.parse_args(arguments)
    if options.sealed:
        cases = [case for case in serving_cases() if is_sealed(case)]
        print(sealed_table(cases, load_engine, power_constants(), power_errors()))
        rows = read_csv(reference_folder() / "published" / "serving.csv")
        print(without_batch([row for row in rows if not row["sequences"]]))
        return 0
    texts, errors = calibrate()
    print(errors)
    if not options.write:
        apart = [path.name for path, text in texts.items() if path.read_text("utf-8") != text]
        print(*(f"{name} is not what the fit gives" for name in apart), sep="\n")
        return 1 if apart else 0
    ENGINES.mkdir(exist_ok=True)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    if PAGE.is_file():
        head, _, rest = PAGE.read_text("utf-8").partition("<!-- folds -->\n")
        tail = rest.partition("<!-- end -->\n")[2]
        PAGE.write_text(f"{head}<!-- folds -->\n{errors}\n<!-- end -->\n{tail}", encoding="utf-8")
    return write_indices()


if __name__ == "__main__":
    sys.exit(main())
