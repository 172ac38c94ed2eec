"""Published measurements as cases: model, hardware, layout and the time of a step.

All conventions (throughput per chip or in total, tokens or FLOP/s, hardware or model FLOPs, causal or
full attention) are converted to seconds of one step.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from footprint.catalog.files import read_csv, read_toml, reference_folder
from footprint.catalog.hardware import parse_cluster
from footprint.catalog.stacks import find_stack
from footprint.errors import FootprintError
from footprint.flops import count_step
from footprint.parsing import parse_month
from footprint.performance.roofline.constants import Constants, load_constants, method_constants
from footprint.performance.stacks import software_of
from footprint.records import field, record
from footprint.schema import Cluster, StepShape, TrainingMethod
from footprint.vocabulary import ADAPTED

TOKENS_A_CHIP = 8192
"""Assumed tokens per chip and step where the batch was not published."""
EVERY_SECOND = {"selective": 0.4, "selective_layer": 0.5}
"""torchtitan recomputes every second product or every second layer: its share of a block's forward FLOPs.

Of the products of Llama 3 and 3.1 the second ones (keys, the output of attention, one half of the gated MLP)
have 0.36 to 0.39; attention is kept, pointwise operations are repeated.
"""
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
    """When that release came out, where its name says it [years]."""
    overlap: float | None = None
    """Share of the communication that computation hides, where its source's options say it [1]."""
    software: str = "tuned"
    """The software stack of ``reference_data/stacks`` that it ran, or the kind of it."""

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
    return software_of(case.software, case.overlap, case.released).constants(own)


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


def _software(row: Mapping[str, str]) -> str:
    """The stack that a row ran, or only its kind: the table's name of the row, else of its family."""
    named = evaluation()["throughput"]["stacks"]
    stack: str = named.get(row["id"]) or named.get(row["family"]) or "tuned"
    return stack


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
        accelerators_per_node=evaluation()["throughput"]["nodes"].get(row["source"], {}).get("accelerators"),
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
    recompute = row["recompute"]
    method = row["method"]
    training = TrainingMethod(
        method=method,  # type: ignore[arg-type]
        lora_targets=tuple((row["lora_targets"] or ALL_LINEAR).split(",")) if method in ADAPTED else (),
        recompute="full" if recompute == "full" else "none",
        attention="eager" if not _flash(row, year) else "masked" if row["family"] in _PADDED else "flash",
    )
    rate = _number(row["tokens_per_s_per_accelerator"])
    flops = count_step(config, shape, training)
    if rate is None:
        rate = _tokens_per_s(row, flops, batch * length)
    given: dict[str, int | float | str] = {
        key: int(float(row[key])) for key in ("tp", "pp", "cp", "ep", "interleaving") if row[key]
    }
    model_ranks = 1
    for key in ("tp", "pp", "cp"):
        model_ranks *= int(given.get(key, 1))
    if "cp" in given and count / model_ranks > batch:
        given.pop("cp")  # more replicas than sequences: the printed context ranks cannot be all
    if row["micro_batch"]:
        given["micro_batch"] = float(row["micro_batch"])
    if recompute:
        given["recompute"] = {"full": "full", "none": "none", "selective": "none"}.get(recompute, "none")
        if row["family"] in _TORCHTITAN and recompute in EVERY_SECOND:
            given |= {"recompute": "full", "recomputed": EVERY_SECOND[recompute]}
        elif row["family"] == "fms" and recompute == "selective":
            given |= {"recompute": "full", "recomputed": _recomputed_share(row)}
        elif recompute == "selective" and not _flash(row, year):
            given["recompute"] = "selective"
    if "FULL_SHARD" in row["sharding"] or row["sharding"].startswith(("FSDP", "HSDP")):
        given["zero"] = 3
    elif row["sharding"] or row["pp"]:
        given["zero"] = 1
    return Case(
        id=row["id"], dataset="throughput", family=row["family"], publisher=row["publisher"],
        kind=row["kind"], scope=row["scope"], config=config, shape=shape, training=training,
        cluster=cluster, precision=precision, year=year, measured_s=batch * length / (count * rate),
        given=given, batch_known=known,
        software=_software(row),
        sealed=_sealed(row["source"]), quality=row["quality"], stack=row["source"], model=row["shape"],
        released=_released(row["source"]),
        overlap=evaluation()["throughput"]["overlap"].get(row["source"], {}).get("overlap_share"),
    )  # fmt: skip


_CONTAINER = re.compile(r"(?:megatron-bridge|nemo)-(\d\d)\.(\d\d)")
"""Sources that are named by a container of a year and a month."""


def _released(source: str) -> float | None:
    """When a release came out that is named by its year and month [years]."""
    found = _CONTAINER.match(source)
    return None if found is None else parse_month(f"20{found[1]}-{found[2]}")


_TORCHTITAN = (
    "torchtitan", "torchao-float8", "torchao-mx", "lambda-torchtitan", "nous-torchtitan", "pith-train",
)  # fmt: skip
"""Source families whose selective recomputation is torchtitan's."""
_NOT_FUSED = (
    "t1555", "t1556", "t1557", "t1559", "t1560", "t1565", "t1572", "t1579", "t1610", "t1611",
    "t1688", "t1689", "t1690", "t1691", "t1692", "t1693", "t1694", "t1695",
    "t1802", "t1804", "t1805", "t1950", "t1951", "t1952", "t1953", "t1954", "t1955", "t1957", "t1958",
    "t1959", "t1960", "t1961", "t1974", "t1975", "t1976", "t1977", "t1978",
    "t1979", "t1980", "t1981", "t1982", "t1983", "t1984", "t1985", "t1986",
    "t1987", "t1988", "t1989", "t1990", "t1991", "t1992", "t1993", "t1994",
)  # fmt: skip
"""Rows since 2023 whose source says that attention is not fused, or whose code has it only behind a flag.
JAX's kernel on TPUs takes multiples of 128 alone (jax-ml/jax issues 26433 and 30861), so Levanter's heads of
64 run without it."""


_PADDED = ("universal-llm-trainer",)
"""Source families whose batches carry the mask of padding. This one replaces the tokens of padded samples by
random ones to fill the length, and the mask stays (its Llama3.forward)."""


def _recomputed_share(row: Mapping[str, str]) -> float:
    """Share of the blocks that a run recomputed, from its HFU over its MFU: a forward pass is a third [1].

    fms-fsdp recomputes every k-th block (its docs/configurations.md) and prints both.
    """
    return min(1.0, 3.0 * (float(row["hfu_reported"]) / float(row["mfu_reported"]) - 1.0))


def _flash(row: Mapping[str, str], year: int) -> bool:
    """Whether the run used fused attention, as stacks since 2023 do on GPUs and TPUs."""
    if row["id"] in _NOT_FUSED:
        return False
    if row["family"] in ("mosaic", "tinyllama", "llm.c", "nanogpt", "llama1"):
        return True
    # Neuron's scripts of 2023 recompute in the backward pass what fused attention would not keep. PaxML's
    # page names fused attention in 2024 first, and the same 5 billion parameters are 1.2 times as fast there.
    first = 2024 if row["family"] in ("neuron-trn1", "paxml") else 2023
    return year >= first and row["family"] not in ("gpt-neox", "opt", "bloomberggpt")


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
        training=TrainingMethod(attention="flash" if row["attention"] == "flash" else "eager"),
        cluster=cluster, precision=precision, year=int(row["year"]), given=given,
        objective="mlm+nsp" if kind == "encoder" else "", software=_software(row),
        measured_s=batch / float(row["samples_per_s"]),
        sealed=_sealed(row["source"]), quality=row["quality"], stack=row["source"], model=row["shape"],
    )  # fmt: skip
