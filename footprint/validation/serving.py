"""Measured serving rows as cases: the model, the chips and the load of each, and what it measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from footprint.catalog.files import read_csv, reference_folder
from footprint.catalog.hardware import parse_cluster
from footprint.catalog.models import find_model
from footprint.records import record
from footprint.schema import Accelerator
from footprint.serving.engine import Constants
from footprint.serving.model import Context, Lists, Served
from footprint.serving.power import PowerConstants, board_w
from footprint.serving.steps import Ideal, Layout, Terms, Weights, decode_terms, ideal
from footprint.validation.cases import shapes

ONE_STAGE = ("accelerate-2022",)
"""Engines that divide the layers among the chips and let one work at a time."""


PEAK = Constants(
    memory_share=1.0, matmul_share=1.0, step_host_s=0.0, layer_host_s=0.0, sequence_host_s=0.0, hop_s=0.0,
    expert_factor=1.0, narrow_factor=1.0,
)  # fmt: skip
"""What an engine without losses would reach."""


@record
class ServingCase:
    """One measured row with what its prediction needs."""

    id: str
    source: str
    engine: str
    model: str
    """As the source names it."""
    shape: str
    precision: str
    chip: Accelerator
    chips: int
    batch: float
    """Mean sequences at once; 0 where the source does not state it."""
    output_tokens: float
    phase: str
    served: Served
    context: Context
    prompt_s: float
    """Time of one prompt's products at the full peak [s]."""
    one: Ideal
    tokens_per_s: float
    board_w: float | None
    """Measured power of all boards [W]."""

    @property
    def experts(self) -> bool:
        """Whether the model has experts."""
        return bool(self.served.experts)

    @property
    def measured_s(self) -> float:
        """Time in which each sequence got one token, prompts of others included [s]."""
        return self.batch / self.tokens_per_s

    @property
    def best_s(self) -> float:
        """The least time that the bandwidth of the data sheet allows for reading the weights [s]."""
        return self.one.wide_s + self.one.narrow_s + self.one.expert_s

    def terms(self, reached: Constants) -> Terms:
        """The terms of its decoding step."""
        return decode_terms(self.one, reached)

    def time_s(self, reached: Constants) -> float:
        """Predicted time in which each sequence gets one token [s]."""
        return self.terms(reached).time_s + self._prompts_s / reached.matmul_share

    @property
    def _prompts_s(self) -> float:
        """Products of new prompts in the time of one step, where requests come and go [s]."""
        if self.phase != "serving":
            return 0.0
        return self.batch / max(self.output_tokens, 1.0) * self.prompt_s

    def shares(self, time_s: float) -> tuple[float, float]:
        """Shares of the bandwidth and of the peak that are used if a step takes this time [1]."""
        terms = self.terms(PEAK)
        return terms.read_s / time_s, (terms.multiply_s + self._prompts_s) / time_s

    def power_w(self, reached: Constants, constants: PowerConstants, slower: float = 1.0) -> float:
        """Predicted power of all boards where a step takes ``slower`` times as long as predicted [W]."""
        shares = self.shares(self.time_s(reached) * slower)
        return self.chips * board_w(self.chip.tdp_w or 0.0, *shares, constants)


def serving_cases(*, with_batch: bool = True) -> Iterator[ServingCase]:
    """Every usable row of ``published/serving.csv``."""
    kept: dict[tuple[str, int], tuple[Lists, Served, float]] = {}
    for row in read_csv(reference_folder() / "published" / "serving.csv"):
        if row["excluded"] or (with_batch and not row["sequences"]):
            continue
        prompt = int(row["prompt_tokens"])
        key = (row["shape"], prompt)
        if key not in kept:
            lists = Lists(_config(row["shape"]), prompt)
            kept[key] = (lists, lists.served(), lists.prompt_flop())
        yield _case(row, *kept[key])


def _config(shape: str) -> Mapping[str, Any]:
    own = shapes()
    config: Mapping[str, Any] = own[shape]["config"] if shape in own else find_model(shape).config
    return config


def _case(row: Mapping[str, str], lists: Lists, model: Served, prompt_flop: float) -> ServingCase:
    output = float(row["output_tokens"])
    earlier = 0 if lists.target else lists.prompt
    context = lists.context(max(1, round(earlier + output / 2)), model.token_flop)
    cluster, _ = parse_cluster(f"{row['accelerator']}:{row['accelerators']}")
    chip, weights = cluster.accelerator, Weights(precision=row["precision"])
    layout = Layout(chips=cluster.count, tp=int(row["tp"]), pp=int(row["pp"]), ep=int(row["ep"] or 1))
    batch = float(row["sequences"] or 0.0)
    one_stage = row["engine"] in ONE_STAGE
    working = layout.tp if one_stage else layout.chips
    watts = float(row["accelerator_power_w"]) if row["accelerator_power_w"] else None
    if watts is None and row["energy_j_per_output_token"]:
        watts = float(row["energy_j_per_output_token"]) * float(row["tokens_per_s"])
    return ServingCase(
        id=row["id"],
        source=row["source"],
        engine=row["engine"],
        model=row["model"],
        shape=row["shape"],
        precision=row["precision"],
        chip=chip,
        chips=cluster.count,
        batch=batch,
        output_tokens=output,
        phase=row["phase"],
        served=model,
        context=context,
        prompt_s=prompt_flop / (working * weights.peak_flop_per_s(chip)),
        one=ideal(model, context, weights, chip, layout, max(batch, 1.0), one_stage_at_a_time=one_stage),
        tokens_per_s=float(row["tokens_per_s"]),
        board_w=watts,
    )
