"""Published measurements as cases: model, hardware, layout and the time of a step.

All conventions (throughput per chip or in total, tokens or FLOP/s, hardware or model FLOPs, causal or
full attention) are converted to seconds of one step.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from footprint.catalog.files import read_csv, read_toml, reference_folder
from footprint.catalog.hardware import parse_cluster
from footprint.catalog.stacks import find_stack
from footprint.errors import FootprintError
from footprint.flops import count_step
from footprint.parsing import parse_month
from footprint.performance.roofline.constants import Constants, load_constants, method_constants
from footprint.performance.stacks import software_of
from footprint.records import field, record, replace
from footprint.schema import Cluster, StepShape, TrainingMethod
from footprint.validation.layouts import given_layout
from footprint.vocabulary import ADAPTED

TOKENS_A_CHIP = 8192
"""Assumed tokens per chip and step where the batch was not published."""
ALL_LINEAR = "all-linear"
"""The targets of adapters where they were not published."""


@record
class Case:
    """One published step time."""

    id: str
    dataset: str
    family: str
    publisher: str
    kind: str
    scope: str
    config: Mapping[str, Any]
    shape: StepShape
    training: TrainingMethod
    cluster: Cluster
    precision: str
    year: int
    measured_s: float
    objective: str = ""
    given: Mapping[str, int | float | str] = field(default_factory=dict)
    batch_known: bool = True
    sealed: bool = False
    quality: str = "A"
    stack: str = ""
    """Name of the source: one release of one publisher's software."""
    model: str = ""
    """Name of the model, for leave-one-out."""
    released: float | None = None
    """When that release came out, where its source says it [years]."""
    overlap: float | None = None
    """Share of the communication that computation hides, where its source's options say it [1]."""
    software: str = "tuned"
    """The software stack of ``reference_data/stacks`` that it ran, or the kind of it."""
    other_facts: Mapping[str, Any] = field(default_factory=dict)
    """What its source says of this software that is not as in the stack's file, by the file's names."""

    @property
    def generation(self) -> str:
        """Chip generation, for leave-one-out."""
        return self.cluster.accelerator.generation

    @property
    def native(self) -> bool:
        """Whether it trained on PyTorch's own kernels, not on a vendor's tuned stack."""
        return find_stack(self.software).native


def of_its_software(case: Case, constants: Constants | None) -> Constants:
    """These constants, or the shipped ones, with what the method and the software of a case replace."""
    own = (constants or load_constants()).but(**method_constants(case.training.method))
    software = software_of(case.software, case.overlap, case.released)
    if case.other_facts and software.stack is not None:
        software = replace(software, stack=replace(software.stack, **case.other_facts))
    return software.constants(own)


@functools.cache
def evaluation() -> dict[str, Any]:
    """The fixed evaluation set: the folds and the sealed sources."""
    return read_toml(reference_folder() / "evaluation.toml")


@functools.cache
def shapes() -> dict[str, Any]:
    """Architecture configs of the published tables, by key."""
    return read_toml(reference_folder() / "published" / "shapes.toml")


def throughput_cases(*, errors: list[str] | None = None) -> Iterator[Case]:
    """Every usable row of the two throughput tables; ``errors`` collects the reasons for the others."""
    for name, build in (("throughput", _large), ("throughput_small", _small)):
        for row in read_csv(reference_folder() / "published" / f"{name}.csv"):
            if row["excluded"]:
                continue
            try:
                yield build(row)
            except FootprintError as error:
                if errors is None:
                    raise
                errors.append(f"{row['id']}: {error}")


def _sealed(source: str) -> bool:
    """Whether no fit may read this source: it is sealed in a draw that is not opened."""
    draws = evaluation()["throughput"]
    return any(source in draws[name]["sealed"] for name in draws["closed"])


def _other_facts(row: Mapping[str, str]) -> dict[str, str | bool]:
    """What a source says of its software that is not as in the stack's file, by the file's names."""
    said: dict[str, str | bool] = {name: row[name] for name in ("holds", "loss") if row[name]}
    if row["offloads_inputs"]:
        said["offloads_inputs"] = row["offloads_inputs"] == "true"
    return said


def _number(text: str) -> float | None:
    return float(text) if text else None


def _config(row: Mapping[str, str]) -> dict[str, Any]:
    if row["shape"] != "gpt:columns":
        entry = shapes().get(row["shape"])
        if entry is None:
            raise FootprintError(f"no shape {row['shape']!r}")
        return dict(entry["config"])
    width = int(row["hidden_size"])
    return {
        "model_type": "gpt2", "n_embd": width, "n_layer": int(row["layers"]), "n_head": int(row["heads"]),
        "n_inner": 4 * width, "vocab_size": int(row["vocabulary"]),
    }  # fmt: skip


def _cluster(row: Mapping[str, str]) -> Cluster:
    cluster, _ = parse_cluster(
        f"{row['accelerator']}:{row['accelerators']}",
        accelerators_per_node=None if not (own := row.get("accelerators_per_node")) else int(own),
        network_byte_per_s=_number(row.get("network_byte_per_s", "")),
    )
    return cluster


def _precision(row: Mapping[str, str], cluster: Cluster) -> str:
    precision = row["precision"]
    peaks = cluster.accelerator.peak_flop_per_s
    if precision not in peaks:
        other = {"bf16": "fp16", "fp16": "bf16", "int8": "fp8"}.get(precision, "")
        if other not in peaks:
            raise FootprintError(f"{cluster.accelerator.id} has no {precision}")
        return other
    return precision


def _large(row: Mapping[str, str]) -> Case:
    cluster = _cluster(row)
    precision = _precision(row, cluster)
    length = int(float(row["sequence_length"]))
    count = cluster.count
    batch = _number(row["sequences_per_step"])
    known = batch is not None
    if batch is None:
        local = max(1.0, TOKENS_A_CHIP / length)
        batch = max(1.0, local * count)
    config = _config(row)
    shape = StepShape(
        sequences=batch, sequence_length=length, document_length=_number(row["document_length"])
    )
    year = int(row["year"])
    method = row["method"]
    attention = _attention(row)
    training = TrainingMethod(
        method=method,  # type: ignore[arg-type]
        lora_targets=tuple((row["lora_targets"] or ALL_LINEAR).split(",")) if method in ADAPTED else (),
        recompute="full" if row["recompute"] == "full" else "none",
        attention=attention,
    )
    rate = _number(row["tokens_per_s_per_accelerator"])
    flops = count_step(config, shape, training)
    if rate is None:
        rate = _tokens_per_s(row, flops, batch * length)
    given = given_layout(row, flops, count, batch)
    return Case(
        id=row["id"], dataset="throughput", family=row["family"], publisher=row["publisher"],
        kind=row["kind"], scope=row["scope"], config=config, shape=shape, training=training,
        cluster=cluster, precision=precision, year=year, measured_s=batch * length / (count * rate),
        given=given, batch_known=known,
        software=row["software"], other_facts=_other_facts(row),
        sealed=_sealed(row["source"]), quality=row["quality"], stack=row["source"], model=row["shape"],
        released=parse_month(month) if (month := row["released"]) else None,
        overlap=_number(row["overlap_share"]),
    )  # fmt: skip


def _attention(row: Mapping[str, str]) -> Literal["flash", "masked", "eager"]:
    """The attention that the source says; else fused since 2023, as stacks on GPUs and TPUs have it."""
    return row["attention"] or ("flash" if int(row["year"]) >= 2023 else "eager")  # type: ignore[return-value]


def _tokens_per_s(row: Mapping[str, str], flops: Any, tokens: float) -> float:
    """Tokens per second of one chip, from FLOP/s in the convention of the source."""
    reported = _number(row["flop_per_s_reported"])
    convention = row["flop_convention"]
    if reported is None:
        share = _number(row["mfu_reported"])
        raise FootprintError(f"neither tokens/s nor FLOP/s (mfu {share})")
    if convention == "model_full":
        flop = flops.training_flop
    elif convention == "model_causal":
        flop = flops.training_flop_causal
    elif convention == "hardware":
        # Full recomputation adds one forward pass: the published formulas count 4/3.
        flop = flops.training_flop * 4.0 / 3.0
    else:
        raise FootprintError("the FLOP convention is not stated")
    return reported * tokens / float(flop)


def _small(row: Mapping[str, str]) -> Case:
    cluster = _cluster(row)
    precision = _precision(row, cluster)
    whole = {
        name: int(float(row[name])) if row[name] else None
        for name in ("sequence_length", "target_sequence_length", "predicted_positions", "image_size")
    }
    batch = float(row["sequences_per_step"])
    kind = row["kind"]
    given: dict[str, int | float | str] = {
        "tp": 1, "pp": 1, "cp": 1, "zero": 0, "recompute": row["recompute"] or "none",
        "micro_batch": float(row["micro_batch"]),
    }  # fmt: skip
    return Case(
        id=row["id"], dataset="throughput_small", family=row["family"], publisher=row["publisher"],
        kind=kind, scope="step", config=_config(row),
        shape=StepShape(sequences=batch, document_length=_number(row["document_length"]), **whole),
        training=TrainingMethod(attention=_attention(row)),
        cluster=cluster, precision=precision, year=int(row["year"]), given=given,
        objective="mlm+nsp" if kind == "encoder" else "", software=row["software"],
        measured_s=batch / float(row["samples_per_s"]),
        sealed=_sealed(row["source"]), quality=row["quality"], stack=row["source"], model=row["shape"],
    )  # fmt: skip
