"""Validation of whole published runs: accelerator-hours from config, tokens and hardware alone.

Published hours include restarts and evaluation, and depend on how they were reported. The goodput and
its wide interval account for these.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from footprint import equations
from footprint.catalog.assumptions import assumed
from footprint.catalog.hardware import parse_cluster
from footprint.catalog.models import find_model
from footprint.errors import FootprintError
from footprint.flops import count_step
from footprint.performance import choose_precision, goodput, predict_step
from footprint.records import record
from footprint.results import Quantity, total
from footprint.schema import Cluster, Phase, Recipe, StepShape, TrainingMethod
from footprint.units import SECONDS_PER_HOUR
from footprint.validation.baselines import beside, llmcarbon_s
from footprint.validation.cases import TOKENS_A_CHIP, evaluation
from footprint.validation.published.run_table import all_runs, recipes
from footprint.validation.report import ValidationReport, ValidationRow

DATASET = "runs"
USUAL_DAYS = 30
"""Assumed length of a run [d], to choose a number of chips where none was published."""
GATED = (
    "llama", "olmo", "ibm-fms", "deepseek", "phi-3", "phi-4", "openelm", "granite", "yalm", "lucie", "smollm",
    "glm-130b", "teenytinyllama", "tucano",
)  # fmt: skip
"""Models whose MLP has three matrices."""
SOUND = "wav2vec2"
"""Models of samples of sound, which are no tokens."""


def _value(row: Mapping[str, str], name: str) -> float | None:
    return float(row[name]) if row[name] else None


def config_of(row: Mapping[str, str]) -> dict[str, Any]:
    """A config of the published dimensions; FootprintError if they do not define one."""
    layers, width, heads = (_value(row, name) for name in ("layers", "hidden_size", "heads"))
    if not (layers and width and heads):
        raise FootprintError("dimensions were not published")
    vocabulary = int(_value(row, "vocabulary") or 50304)
    kv_heads = int(_value(row, "kv_heads") or heads)
    inner = _value(row, "ffn_size")
    if row["architecture"].startswith("encoder") and "decoder" not in row["architecture"]:
        return {
            "model_type": "bert", "hidden_size": int(width), "num_hidden_layers": int(layers),
            "num_attention_heads": int(heads), "intermediate_size": int(inner or 4 * width),
            "vocab_size": vocabulary,
        }  # fmt: skip
    if "decoder" not in row["architecture"] or row["architecture"].startswith(("encoder", "MoE")):
        raise FootprintError(f"not counted from its dimensions: {row['architecture']}")
    if row["id"].startswith(GATED):
        gated_inner = inner or 256 * math.ceil(8 * width / 3 / 256)
        return {
            "model_type": "llama", "hidden_size": int(width), "num_hidden_layers": int(layers),
            "num_attention_heads": int(heads), "num_key_value_heads": kv_heads,
            "intermediate_size": int(gated_inner), "vocab_size": vocabulary,
        }  # fmt: skip
    return {
        "model_type": "gpt2", "n_embd": int(width), "n_layer": int(layers), "n_head": int(heads),
        "n_inner": int(inner or 4 * width), "vocab_size": vocabulary,
    }  # fmt: skip


def usable(row: Mapping[str, str]) -> bool:
    """Whether a run is of 2020 or later, has an accelerator and hours, and is of quality A or B."""
    if row["excluded"] or row["quality"] not in ("A", "B") or not row["accelerator"]:
        return False
    return int(row["year"]) >= evaluation()["runs"]["first_year"] and bool(_hours(row))


def _hours(row: Mapping[str, str]) -> float | None:
    """Published accelerator-hours [h]."""
    total = _value(row, "accelerator_h")
    if total:
        return total
    duration, count = _value(row, "duration_h"), _value(row, "accelerators")
    return duration * count if duration and count else None


def _cluster(row: Mapping[str, str], hours: float) -> Cluster:
    count = _value(row, "accelerators")
    if not count:
        count = 8.0 * max(1, round(hours / (24 * USUAL_DAYS) / 8))
    return parse_cluster(f"{row['accelerator']}:{int(count)}")[0]


@record
class Run:
    """A published run with the predicted accelerator-hours of its steps, without losses."""

    id: str
    developer: str
    cluster: Cluster
    published_h: float
    ideal_h: Quantity
    busy_share: Quantity


def _stack(row: Mapping[str, str]) -> str | None:
    """The software stack that the publication of a run names."""
    stacks: Mapping[str, str] = evaluation()["runs"]["stacks"]
    return next((stack for start, stack in stacks.items() if row["id"].startswith(start)), None)


def ideal_run(row: Mapping[str, str], *, said: bool = True) -> Run:
    """Accelerator-hours of a published run's steps, from its model, tokens, hardware and software [h].

    ``said`` is whether the software that its publication names is used.
    """
    hours = _hours(row)
    if hours is None:
        raise FootprintError("no hours were published")
    cluster = _cluster(row, hours)
    year = int(row["year"])
    training = TrainingMethod(attention="flash" if year >= 2023 else "eager")
    precision, _ = choose_precision(row["precision"] or None, cluster.accelerator, year)
    config, objective, phases = _work(row, cluster)
    parts, busy = [], Quantity(1.0)
    for steps, shape in phases:
        flops = count_step(config, shape, training, objective)
        step = predict_step(
            step_flop=flops, cluster=cluster, precision=precision, year=year,
            stack=_stack(row) if said else None,
        )  # fmt: skip
        parts.append(step.step_time_s * steps)
        busy = step.busy_share
    ideal = total(parts) * (cluster.count / SECONDS_PER_HOUR)
    return Run(
        id=row["id"], developer=row["developer"], cluster=cluster, published_h=hours, ideal_h=ideal,
        busy_share=busy,
    )  # fmt: skip


def _work(
    row: Mapping[str, str], cluster: Cluster
) -> tuple[Mapping[str, Any], str, list[tuple[float, StepShape]]]:
    """Config, objective, and steps and shape of each phase; FootprintError where they are not known."""
    if row["id"] not in recipes():
        phases = [
            (steps, StepShape(sequences=sequences, sequence_length=length))
            for steps, sequences, length in _phases(row, cluster)
        ]
        return config_of(row), "", phases
    model = find_model(row["id"])
    recipe = model.recipe or Recipe()
    phases = []
    for phase in recipe.phases or (Phase(sequence_length=2048),):
        length = phase.sequence_length
        sequences = phase.sequences_per_step or max(1.0, TOKENS_A_CHIP / (length or 1)) * cluster.count
        steps = phase.steps or (recipe.tokens or 0.0) / (sequences * (length or 1))
        shape = StepShape(
            sequences=sequences, sequence_length=length, predicted_positions=phase.predicted_positions,
        )  # fmt: skip
        phases.append((steps, shape))
    return model.config, recipe.objective, phases


def _phases(row: Mapping[str, str], cluster: Cluster) -> list[tuple[float, float, int]]:
    """Steps, sequences per step and sequence length of each phase; FootprintError without tokens."""
    known = evaluation()["runs"]["phases"].get(row["id"])
    if known is not None:
        return [(steps, sequences, length) for steps, sequences, length in known]
    length = int(_value(row, "sequence_length") or 2048)
    steps, batch, tokens = (_value(row, name) for name in ("steps", "sequences_per_step", "tokens"))
    if tokens is None:
        raise FootprintError("tokens were not published")
    if batch is None:
        batch = tokens / steps / length if steps else max(1.0, TOKENS_A_CHIP / length) * cluster.count
    return [(tokens / (batch * length), batch, length)]


def ideal_hours(*, sealed: bool, left_out: list[str] | None = None) -> Iterator[Run]:
    """Every run that can be predicted; ``left_out`` collects the reasons for the others."""
    for row in all_runs():
        if not usable(row):
            continue
        if (row["developer"] in evaluation()["runs"]["sealed"]) != sealed:
            continue
        try:
            yield ideal_run(row)
        except FootprintError as error:
            if left_out is not None:
                left_out.append(f"{row['id']}: {error}")


def run_rows(*, sealed: bool = False) -> tuple[list[ValidationRow], list[str]]:
    """Rows of predicted and published accelerator-hours, and the reasons for the runs left out."""
    rows: list[ValidationRow] = []
    left_out: list[str] = []
    for run in ideal_hours(sealed=sealed, left_out=left_out):
        hours = _with_losses(run)
        rows.append(
            ValidationRow.of(
                id=run.id,
                published=run.published_h,
                predicted=hours,
                unit="accelerator-h",
                fold=run.developer,
                note=run.cluster.accelerator.id,
            )
        )
    return rows, left_out


def _with_losses(run: Run) -> Quantity:
    """Accelerator-hours of a run with what restarts, evaluation and checkpoints take [h]."""
    share, _ = goodput(cluster=run.cluster, hours_without_loss=run.ideal_h.mid / run.cluster.count)
    return run.ideal_h / share


def validate_runs() -> ValidationReport:
    """Accelerator-hours of whole published runs from 2020 on, quality A and B."""
    rows, left_out = run_rows()
    named = sum(_stack({"id": row.id}) is not None for row in rows)
    notes = [
        f"the lower ends of goodput are fitted on these runs: {assumed('goodput_fitted.large').note}",
        f"the publication of {named} of the {len(rows)} runs names its software, which is then said",
        f"{len(left_out)} runs cannot be predicted from what was published",
    ]
    return ValidationReport(dataset=DATASET, rows=tuple(rows), baselines=_baselines(rows), notes=tuple(notes))


def _baselines(rows: list[ValidationRow]) -> dict[str, dict[str, float]]:
    """The same prediction without the software, and rules that use only parameters and tokens."""
    table = {row["id"]: row for row in all_runs()}

    def six_nd(known: ValidationRow, mfu: float) -> float | None:
        row = table[known.id]
        if known.id.startswith(SOUND):
            return None
        cluster, precision = _executed(row, known.published)
        flop = equations.flop_6nd(_used_parameters(row), float(row["tokens"]))
        return float(flop) / (mfu * cluster.accelerator.peak_flop_per_s[precision]) / SECONDS_PER_HOUR

    def llmcarbon(known: ValidationRow) -> float | None:
        row = table[known.id]
        if known.id.startswith(SOUND):
            return None
        cluster, precision = _executed(row, known.published)
        seconds = llmcarbon_s(_used_parameters(row), float(row["tokens"]), cluster, precision)
        return seconds and seconds * cluster.count / SECONDS_PER_HOUR

    return beside(
        rows,
        {
            "stack not said": lambda row: _with_losses(ideal_run(table[row.id], said=False)).mid,
            "6ND at MFU 1.0": lambda row: six_nd(row, 1.0),
            "6ND at MFU 0.4": lambda row: six_nd(row, 0.4),
            "LLMCarbon's regression": llmcarbon,
        },
    )


def _used_parameters(row: Mapping[str, str]) -> float:
    """Parameters that one token uses [1]."""
    if row["id"] in recipes():
        step = count_step(find_model(row["id"]).config, StepShape(sequences=1, sequence_length=512))
        return float(step.parameters.active)
    return float(row["active_parameters"] or row["parameters"] or 0)


def _executed(row: Mapping[str, str], hours: float) -> tuple[Cluster, str]:
    """The cluster of a run and the precision used there."""
    cluster = _cluster(row, hours)
    return cluster, choose_precision(row["precision"] or None, cluster.accelerator, int(row["year"]))[0]
