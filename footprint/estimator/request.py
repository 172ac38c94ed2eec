"""What one estimate is asked for: every option of ``footprint estimate`` as a field.

The same record is a *scenario*: its fields that are set are what ``--save`` writes and
``--from`` reads. A field is declared once, here; the command line's options, the checks and the
documentation are made from its declaration (`footprint.estimator.fields`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from footprint.errors import FootprintError
from footprint.estimator.fields import (
    AMOUNT,
    BANDWIDTH,
    CHOICE,
    CLUSTER,
    COUNT,
    FLAG,
    HOURS,
    JOINED,
    MODEL,
    MONTH,
    NAMES,
    PLACE,
    PRICE,
    PROVIDER,
    SHARE,
    STAGE,
    TEXT,
    USD,
    WHOLE,
    about,
    fields_of,
    is_set,
    joined,
    missing_hw,
    require_consistent,
    said,
)  # fmt: skip
from footprint.records import field, record
from footprint.vocabulary import (
    PRECISIONS,
    Attention,
    Cooling,
    LoraDropout,
    MemoryScope,
    Method,
    Purchase,
    Recompute,
)  # fmt: skip

SEARCHES = ("halving", "hyperband")
OPTIMIZERS = ("adam", "adamw", "lamb", "adafactor", "adagrad", "adam8bit", "lion", "muon", "sgd")
LAYOUT_FIELDS = ("tp", "pp", "cp", "dp", "ep", "zero", "interleaving", "micro_batch", "recompute")
"""Fields that fix a part of the parallel layout."""
TIME_FIELDS = ("hours", "step_time_s", "tokens_per_second", "samples_per_second", "mfu")
SEARCH_FIELDS = ("trials", "mean_fraction", "search", "keep_one_in", "shortest_fraction")
AMOUNT_FIELDS = ("tokens", "samples", "steps")
SIZE_FIELDS = ("model", "parameters", "flop_per_token", "flop_per_sample")
EITHER_OR = (
    (SIZE_FIELDS, "each says on its own what is trained"),
    (TIME_FIELDS, "each sets the time on its own"),
    (AMOUNT_FIELDS, "each sets the amount of training on its own"),
    (("it_power_w", "accelerator_power_w"), "one is the whole cluster, the other one board"),
    (("usd_per_hour", "capital_usd"), "one rents, the other owns"),
)
"""Fields of which one may be given, and why."""


@record
class EstimateRequest:
    """One scenario; what is None was not given. A new option is one field here, and nothing else."""

    hw: str = field(metadata=said("what and where", CLUSTER, "Accelerators, such as v100:8 or v100x8."))
    model: str | None = about(
        "what and where", MODEL,
        "A built-in model, config.json, MODEL.toml or org/name of the local Hugging Face cache.",
    )  # fmt: skip
    name: str | None = about("output", TEXT, "A name for this estimate.")

    parameters: float | None = about(
        "no model at hand", COUNT, "Parameters of a decoder, where there is no config.", least=1e3, most=1e16
    )
    active_parameters: float | None = about(
        "no model at hand", COUNT, "Parameters that one token uses (mixture of experts).",
        least=1e3, most=1e16,
    )  # fmt: skip
    flop_per_token: float | None = about(
        "no model at hand", COUNT, "Training FLOP of one token, forward and backward (about 6 a parameter).",
        unit="FLOP", least=6e3, most=1e17,
    )  # fmt: skip
    flop_per_sample: float | None = about(
        "no model at hand", COUNT, "Training FLOP of one sample, forward and backward, for `samples=`.",
        unit="FLOP", least=1.0, most=1e24,
    )  # fmt: skip

    tokens: float | None = about(
        "workload", COUNT, "Training tokens; encoder-decoders count source and target.", most=1e20
    )
    samples: float | None = about("workload", COUNT, "Training sequences or images.", most=1e18)
    steps: float | None = about("workload", COUNT, "Optimiser steps.", most=1e15)
    epochs: float | None = about(
        "workload", COUNT, "Passes over the data (multiplies `tokens=` or `samples=`).", most=1e9
    )
    schedule: str | None = about(
        "workload", TEXT, "All phases: STEPSxSEQUENCESxLENGTH[:TARGET],... (STEPSxIMAGES,...)."
    )
    batch_size: int | None = about("workload", WHOLE, "Sequences or samples of one step.", most=10**12)
    seq_len: int | None = about(
        "workload", WHOLE, "Tokens in one sequence (the source, for encoder-decoders).", most=10**9
    )
    tgt_seq_len: int | None = about(
        "workload", WHOLE, "Target tokens in one sequence (encoder-decoders).", most=10**9
    )
    image_size: int | None = about("workload", WHOLE, "Width and height of an image in pixels.", most=10**5)
    document_length: float | None = about(
        "workload", COUNT, "Mean tokens in a packed document; attention stays within one.",
        least=1.0, most=10**8,
    )  # fmt: skip
    predicted_positions: int | None = about(
        "workload", WHOLE, "Positions of a sequence that get logits (the recipe's share).", most=10**9
    )
    packing: bool = about("workload", FLAG, "Sequences are packed, without padding.", default=False)
    padding_share: float | None = about(
        "workload", SHARE, "Share of the tokens that is padding, for `packing=`.", least=0.0, most=0.99
    )

    method: Method | None = about("method", CHOICE, "What is trained.", choices=get_args(Method))
    objective: str | None = about("method", TEXT, "What is learnt: clm, mlm, mlm+nsp, classification, ...")
    lora_rank: int | None = about("method", WHOLE, "Rank of the adapters (16).", most=65536)
    lora_targets: tuple[str, ...] = about(
        "method", NAMES, "Adapted projections, comma-separated: q,v or their own names.", default=()
    )
    lora_dropout: LoraDropout | None = about(
        "method", CHOICE, "Dropout of adapters' inputs: each one's own (PEFT), or shared (none).",
        choices=get_args(LoraDropout),
    )  # fmt: skip
    input_gradients: bool = about("method", FLAG, "Adapters: gradients reach the embeddings.", default=False)
    frozen: tuple[str, ...] = about("method", NAMES, "Frozen parts, comma-separated.", default=())

    precision: str | None = about(
        "execution", CHOICE, "Number format of matrix products.", choices=PRECISIONS
    )
    tp: int | None = about("execution", WHOLE, "Tensor-parallel size.", most=10**6)
    pp: int | None = about("execution", WHOLE, "Pipeline-parallel size.", most=10**6)
    dp: int | None = about("execution", WHOLE, "Data-parallel size.", most=10**8)
    cp: int | None = about("execution", WHOLE, "Context-parallel size.", most=10**6)
    ep: int | None = about("execution", WHOLE, "Expert-parallel size.", most=10**6)
    zero: int | None = about("execution", STAGE, "ZeRO stage, 0 to 3 (3: fully sharded).", least=0, most=3)
    interleaving: int | None = about(
        "execution", WHOLE, "Virtual pipeline stages on each of the `pp=` stages.", most=1000
    )
    micro_batch: int | None = about("execution", WHOLE, "Sequences that a replica takes at once.", most=10**9)
    recompute: Recompute | None = about(
        "execution", CHOICE, "Recomputed activations.", choices=get_args(Recompute)
    )
    attention: Attention | None = about(
        "execution",
        CHOICE,
        "Attention kernel; masked: fused, with the mask of padded batches.",
        choices=get_args(Attention),
    )
    optimizer: str | None = about("execution", TEXT, "Optimiser (adam).", choices=OPTIMIZERS)
    stack: str | None = about("execution", TEXT, "Training software, a name of `footprint stacks list`.")
    overlap: float | None = about("execution", SHARE, "Share of communication hidden.", least=0.0, most=1.0)
    stack_date: str | None = about("execution", MONTH, "When the software came out: 2026-02 (the year).")

    accelerators_per_node: int | None = about("cluster", WHOLE, "Accelerators in one server.", most=10**5)
    cooling: str | None = about("cluster", CHOICE, "Cooling of the servers.", choices=get_args(Cooling))
    network_byte_per_s: float | None = about(
        "cluster", BANDWIDTH, "Bandwidth of one node in one direction: 400Gb/s or 50GB/s.", most=1e15
    )

    anchor: str | None = about(
        "known already", TEXT,
        "A measurement of yours: a name, a file, or 'MODEL HW key=value ...'; repeatable.",
    )  # fmt: skip
    hours: float | None = about("known already", HOURS, "Wall-clock duration.", most=1e7)
    step_time_s: float | None = about(
        "known already", COUNT, "Duration of one step [s].", unit="s", least=1e-9, most=1e9
    )
    tokens_per_second: float | None = about(
        "known already", COUNT, "Tokens a second of the cluster.", unit="tokens/s", least=1e-6, most=1e15
    )
    samples_per_second: float | None = about(
        "known already", COUNT, "Samples a second of the cluster.", unit="samples/s", least=1e-6, most=1e15
    )
    mfu: float | None = about(
        "known already", SHARE, "Model FLOPs utilisation of a step: full attention, dense peak.", most=1.0
    )
    goodput: float | None = about(
        "known already", SHARE, "Share of the wall-clock time that makes progress.", most=1.0
    )
    it_power_w: float | None = about(
        "known already", COUNT, "Mean power of all nodes together [W].", unit="W", most=1e10
    )
    accelerator_power_w: float | None = about(
        "known already", COUNT, "Mean power of one board [W]; the host is added.", unit="W", most=1e5
    )

    memory_gib: float | None = about(
        "known already", COUNT, "Peak memory of a step on the fullest accelerator [GiB, 2^30 bytes].",
        unit="GiB", least=1e-3, most=1e5,
    )  # fmt: skip
    memory_scope: MemoryScope | None = about(
        "known already", CHOICE,
        "What `memory_gib=` counts: tensors (allocated), what PyTorch holds (reserved), all (device).",
        choices=get_args(MemoryScope),
    )  # fmt: skip

    region: str | None = about(
        "place", PLACE, "Country, state, town, cloud region: FRA, Paris, aws:us-east-1."
    )
    year: int | None = about(
        "place", WHOLE, "Year of the grid, PUE, prices and software (newest).", least=2000, most=2100
    )
    pue: float | None = about(
        "place", COUNT, "Power usage effectiveness of the site.", unit="1", least=1.0, most=5.0
    )
    grid_g_per_kwh: float | None = about(
        "place", AMOUNT, "Carbon intensity of the electricity [gCO2e/kWh].",
        unit="gCO2e/kWh", least=0.0, most=5000.0,
    )  # fmt: skip

    provider: str | None = about("price", PROVIDER, "Cloud provider (median over all).")
    purchase: str | None = about(
        "price", CHOICE, "How the hours are bought (on_demand).", choices=get_args(Purchase)
    )
    usd_per_hour: float | None = about(
        "price", PRICE, "Price of one accelerator-hour.", unit="USD/h", most=1e5
    )
    owned: bool = about("price", FLAG, "Hardware that is paid for: it costs its electricity.", default=False)
    electricity_usd_per_kwh: float | None = about(
        "price", PRICE, "Owned hardware: price of the electricity (the place's).",
        unit="USD/kWh", most=100.0,
    )  # fmt: skip
    capital_usd: float | None = about(
        "price", USD, "Owned hardware: price of one accelerator with its share of the server.", most=1e12
    )
    lifetime_years: float | None = about(
        "price", COUNT, "Years in service, for embodied CO2e and owned hardware.", unit="years", most=100.0
    )
    utilisation: float | None = about("price", SHARE, "Share of lifetime in use: embodied, owned.", most=1.0)

    runs: int | None = about("repeats", WHOLE, "Number of successful runs, for a total.", most=10**9)
    failed_share: float | None = about(
        "repeats", SHARE, "Share of all hours spent on failed runs.", least=0.0, most=0.999
    )
    trials: int | None = about("repeats", WHOLE, "Trials of a search for hyper-parameters.", most=10**9)
    mean_fraction: float | None = about("repeats", SHARE, "Mean length of a trial, share of a run.", most=1.0)
    search: str | None = about("repeats", CHOICE, "How worse trials are stopped early.", choices=SEARCHES)
    keep_one_in: int | None = about(
        "repeats", WHOLE, "A stop keeps one trial of so many (3).", least=2, most=1000
    )
    shortest_fraction: float | None = about("repeats", SHARE, "Shortest share of a run (1/81).", most=1.0)
    force: bool = about("output", FLAG, "Accept implausible values.", default=False)

    def __post_init__(self) -> None:
        if self.hw is None:
            raise missing_hw()
        for name, one in FIELDS.items():
            value = getattr(self, name)
            if value is not None:
                one.check(value)
        for names, why in EITHER_OR:
            given = [f"`{name}=`" for name in self.among(names)]
            if len(given) > 1:
                raise FootprintError(f"{' and '.join(given)} contradict: {why}; give one")
        if self.stack is not None:
            from footprint.catalog.stacks import find_stack

            find_stack(self.stack)
        require_consistent(self)
        if self.among(SEARCH_FIELDS):
            from footprint.performance.searches import check_search

            check_search(self)

    def among(self, names: Iterable[str]) -> dict[str, Any]:
        """Those of some fields that were given a value, in this order."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def given(self) -> dict[str, Any]:
        """The fields that were set, in order: what a scenario file holds."""
        values = {name: getattr(self, name) for name in FIELDS}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items() if is_set(v)}

    @classmethod
    def from_mapping(cls, raw: Mapping[str, Any], origin: str) -> EstimateRequest:
        """A request from a scenario's fields; FootprintError names what is unknown or missing."""
        for key in raw:
            if key not in FIELDS:
                from footprint.catalog.names import unknown

                raise unknown("scenario field", str(key), FIELDS, hint=origin)
        if "hw" not in raw:
            raise FootprintError(f"{origin}: {missing_hw()}")
        values = dict(raw)
        for name, value in values.items():
            if name in JOINED:
                values[name] = joined(value)
            elif FIELDS[name].kind is NAMES:
                if isinstance(value, str) or not all(isinstance(part, str) for part in value):
                    raise FootprintError(f"{origin}: {name} must be a list of names")
                values[name] = tuple(value)
            elif isinstance(value, str):
                values[name] = FIELDS[name].read(value)
        return cls(**values)


FIELDS = fields_of(EstimateRequest)
"""The table of a scenario's fields: name -> what is said of each."""
