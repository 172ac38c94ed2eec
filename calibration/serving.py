"""Fit the constants of serving engines and of boards that serve, and say how far off they are.

    python -m calibration.serving            # fit, print the folds' errors, compare with the shipped files
    python -m calibration.serving --write    # fit, and write the files and the table of docs/inference.md
    python -m calibration.serving --full-load  # the rows whose requests are all open, by the shipped files
    python -m calibration.serving --sealed   # the rows that no fit reads, by the shipped files

The rows are those of ``reference_data/published/serving.csv``. What ``evaluation.toml`` seals is never
read by a fit. An engine's constants are a mean over its sources. An engine that is named is judged by folds
that leave out one model at a time, and a source; an engine that is not named, by folds that leave out a
whole source. Neither constants nor intervals have seen the rows.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from calibration.serving_fit import fit_engine, fit_power, typical
from calibration.serving_table import sealed_table, table, without_batch
from calibration.serving_widths import (
    balanced,
    by_sources,
    named,
    of_kind,
    power_interval,
    server_interval,
    without,
)
from calibration.tables import Fitted, text_of
from footprint.catalog.__main__ import main as write_indices
from footprint.catalog.files import read_csv, reference_folder
from footprint.records import replace
from footprint.serving.engine import UNSET, Constants, Engine, Spread, load_engine
from footprint.serving.power import PowerConstants
from footprint.serving.settle import PowerErrors, power_constants, power_errors
from footprint.validation.published.serving import ELSEWHERE, FOLDS, NAMED, UNNAMED, Outside
from footprint.validation.published.serving_rows import (
    NARROW_CACHE,
    ONE_STAGE,
    SERVERS,
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
    "vllm-2024": ("vLLM of 2024", 2024, ()),
    "vllm-2024-mlenergy": ("vLLM of 2024 as ML.ENERGY ran it", 2024, ()),
    "tensorrt-llm-2025": ("TensorRT-LLM of 2024 and 2025", 2024, ("tensorrt-llm", "trt-llm")),
    "sglang-2026": ("SGLang of 2025 and 2026", 2025, ("sglang",)),
    "llama.cpp-2024": ("llama.cpp of 2023 to 2026", 2023, ("llama.cpp", "llamacpp", "ollama")),
    "transformers-2023": ("transformers in eager PyTorch", 2023, ("transformers", "hf")),
    "transformers-2025": ("transformers of 2024 and 2025 in eager PyTorch", 2024, ()),
    "gpt-fast-2024": ("gpt-fast, compiled PyTorch", 2024, ("gpt-fast",)),
    "deepspeed-2022": ("DeepSpeed-Inference", 2022, ("deepspeed",)),
    "accelerate-2022": ("transformers with accelerate, one chip after the other", 2022, ("accelerate",)),
}
NOT_NAMED = "typical engine"
KINDS = {"dense": False, "experts": True}


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
    servers = {SERVERS[key]: [case for case in of[key[0]] if case.source == key[1]] for key in SERVERS}
    inside = {name: model_folds(name, own, watts) for name, own in {**of, **servers}.items()}
    elsewhere = {name: source_folds(of[name], cases) for name in names}
    every = [one for found in inside.values() for one in found]
    engines = {
        name: replace(
            bare(name, of[name], fitted[name]),
            **{kind: named(*pools(elsewhere, name, experts)) for kind, experts in KINDS.items()},
        )
        for name in names
    }
    engines |= {
        name: replace(
            bare(name, own, fit_engine(own)),
            **{
                kind: server_interval(inside[name], every, experts=experts) for kind, experts in KINDS.items()
            },
        )
        for name, own in servers.items()
    }
    mean = typical([(ABOUT[name][1], fitted[name]) for name in names])
    unnamed = unnamed_folds(cases)
    wide, whole = balanced(unnamed), by_sources(unnamed)
    engines[UNSET] = replace(
        bare(UNSET, cases, mean), dense=wide, experts=wide,
        note="geometric mean of the engines, newer ones first; interval by sources left out, host apart",
    )  # fmt: skip
    power_ends = {kind: power_interval(every, experts=kind)[:2] for kind in (False, True)}
    shown = {name: with_interval(name, found, elsewhere, every) for name, found in sorted(inside.items())}
    apart = [one for name in names for one in with_interval_of_others(name, elsewhere)]
    texts = {ENGINES / f"{name}.toml": engine_text(engine) for name, engine in engines.items()}
    texts[NUMBERS] = power_text(power, power_ends)
    by_model = [one for found in shown.values() for one in found]
    texts[FOLDS] = folds_text({NAMED: by_model, ELSEWHERE: apart, UNNAMED: whole})
    return texts, table(shown, apart, whole, power_ends)


def bare(name: str, cases: Sequence[ServingCase], constants: Constants) -> Engine:
    """An engine whose intervals are still to be found."""
    title, since, aliases = ABOUT.get(name, (NOT_NAMED, 2022, ()))
    sources = sorted({case.source for case in cases})
    one_server = name in SERVERS.values()
    many = "one source" if len(sources) == 1 else f"{len(sources)} sources"
    how = (
        "models left out"
        if one_server
        else "sources left out"
        if len(sources) > 1
        else "those of other engines"
    )
    return Engine(
        id=name, name=title, since_year=since, aliases=aliases, constants=constants,
        dense=Spread(1.0, 1.0), experts=Spread(1.0, 1.0),
        source="; ".join(sources),
        one_stage_at_a_time=name in ONE_STAGE,
        narrow_cache=name in NARROW_CACHE,
        most_dense_sequences=_most_sequences(cases, experts=False),
        most_expert_sequences=_most_sequences(cases, experts=True),
        note=f"{len(cases)} rows of {many}; interval by {how}",
    )  # fmt: skip


def _most_sequences(cases: Sequence[ServingCase], *, experts: bool) -> float:
    return max((case.batch / case.copies for case in cases if case.experts == experts), default=0.0)


def model_folds(
    name: str, cases: Sequence[ServingCase], watts: Mapping[str, PowerConstants]
) -> list[Outside]:
    """Each case of this name by the fit without its model; without its batch where there is one model."""
    found = []
    for fold in sorted({part_of(case) for case in cases if case.server == name}):
        engine = bare(name, cases, fit_engine([case for case in cases if part_of(case) != fold]))
        found += [
            Outside(case, engine, watts[case.shape])
            for case in cases
            if part_of(case) == fold and case.server == name
        ]
    return found


def source_folds(cases: list[ServingCase], every: Sequence[ServingCase]) -> list[Outside]:
    """Each case by its engine without the source, where the engine has others."""
    found = []
    sources = sorted({case.source for case in cases})
    for source in sources if len(sources) > 1 else []:
        engine = bare(cases[0].engine, cases, fit_engine([case for case in cases if case.source != source]))
        power = fit_power([case for case in every if case.source != source])
        found += [Outside(case, engine, power) for case in cases if case.source == source]
    return found


def pools(
    elsewhere: Mapping[str, Sequence[Outside]], name: str, experts: bool
) -> tuple[list[Outside], list[Outside]]:
    """Of one kind of model, the left-out sources of an engine and those of all others."""
    others = [one for other, found in elsewhere.items() if other != name for one in found]
    return of_kind(elsewhere[name], experts), of_kind(others, experts)


def with_interval(
    name: str, found: Sequence[Outside], elsewhere: Mapping[str, Sequence[Outside]], every: Sequence[Outside]
) -> list[Outside]:
    """Each case with the interval that its fold gives, which did not see its model either."""
    spreads: dict[str, Spread] = {}
    for shape, experts in {one.case.shape: one.case.experts for one in found}.items():
        if name in SERVERS.values():
            spreads[shape] = server_interval(without(found, shape), without(every, shape), experts=experts)
        else:
            spreads[shape] = named(*(without(part, shape) for part in pools(elsewhere, name, experts)))
    return [one.with_spread(spreads[one.case.shape]) for one in found]


def with_interval_of_others(name: str, elsewhere: Mapping[str, Sequence[Outside]]) -> list[Outside]:
    """Each case whose source was left out with the interval of all other sources."""
    shown = []
    for source, experts in sorted({(one.case.source, one.case.experts) for one in elsewhere[name]}):
        own, others = pools(elsewhere, name, experts)
        spread = named([one for one in own if one.case.source != source], others)
        shown += [one.with_spread(spread) for one in own if one.case.source == source]
    return shown


def unnamed_folds(cases: Sequence[ServingCase]) -> list[Outside]:
    """Each source by the mean of the engines, and by the power, of the other sources."""
    found = []
    for source in sorted({case.source for case in cases}):
        others = [case for case in cases if case.source != source]
        names = sorted({case.engine for case in others})
        constants = [
            (ABOUT[name][1], fit_engine([case for case in others if case.engine == name])) for name in names
        ]
        engine, power = bare(UNSET, others, typical(constants)), fit_power(others)
        found += [Outside(case, engine, power) for case in cases if case.source == source]
    return found


def folds_text(folds: Mapping[str, Sequence[Outside]]) -> str:
    """The constants of each fold as the text of their table."""
    lines = ["by,fold,name,value,source,basis"]
    rows: dict[str, None] = {}
    for by, found in folds.items():
        for one in found:
            numbers = {**one.engine.constants._asdict(), **one.power._asdict()}
            spread = one.engine.spread(experts=one.case.experts)._asdict()
            numbers |= {name: value for name, value in spread.items() if value is not None}
            for name, value in numbers.items():
                fold = f'"{by}"' if "," in by else by
                rows[f"{fold},{one.key(by)},{name},{value:.6g},published-serving,fitted"] = None
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
        f"narrow_cache = {str(engine.narrow_cache).lower()}",
        f"most_dense_sequences = {engine.most_dense_sequences:.4g}",
        f"most_expert_sequences = {engine.most_expert_sequences:.4g}",
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
    parser.add_argument("--full-load", action="store_true", help="the rows without a batch, by the command")
    options = parser.parse_args(arguments)
    if options.sealed:
        cases = [case for case in serving_cases() if is_sealed(case)]
        print(sealed_table(cases, load_engine, power_constants(), power_errors()))
        return 0
    if options.full_load:
        sealed = {case.id for case in serving_cases() if is_sealed(case)}
        rows = read_csv(reference_folder() / "published" / "serving.csv")
        print(without_batch([row for row in rows if not row["sequences"] and row["id"] not in sealed]))
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
