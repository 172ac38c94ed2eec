"""The posterior density of the step-time model's constants, given published throughput.

The prior of each constant is its assumed interval. The rows of a source family share a bias, whose prior is
Student's t, so that many rows of one family do not outweigh a few of another. About it, the weight of a
family is the square root of its number of rows. ``search`` finds the constants of highest density;
out-of-sample residuals come from fits without a whole family.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from footprint.catalog.files import read_toml, reference_folder
from footprint.errors import FootprintError
from footprint.flops import count_step
from footprint.performance.predict import predict_raw, software_factor, work_of
from footprint.performance.roofline.constants import Constants
from footprint.performance.roofline.layout import Layout
from footprint.performance.roofline.machine import Machine
from footprint.performance.roofline.terms import step_terms
from footprint.performance.roofline.work import Work
from footprint.validation.cases import Case, of_its_software, throughput_cases

SCATTER = 0.10
"""Standard deviation of a published step time about a perfect model of its stack, in logarithms."""
BIAS = 0.10
"""Scale of what the step times of one source family share, in logarithms; a family that is far off counts
less, because the tails of its prior are heavy, so that one odd source does not move the constants."""
BIAS_REPEATS = 100
"""Largest number of weighted means in the search for a bias."""
FREEDOM = 3.0
"""Degrees of freedom of Student's t of the biases [1]."""
HUBER = 1.5
"""Number of standard deviations above which the loss of a residual is linear."""
Z90 = 1.645

PHYSICS = (
    "cast_byte", "passes_fused", "passes_eager", "passes_scores", "misaligned", "tensor_exposed",
    "tensor_exposed_since_2023", "data_exposed", "expert_exposed", "flash_rate_ampere", "flash_rate_hopper",
    "flash_rate_ampere_first", "flash_rate_hopper_first", "flash_rate_hopper_tuned", "flash_rate_blackwell",
    "matmul_rate_tpu", "convolution_rate", "convolution_rate_wide", "flash_rate_blackwell_ultra", "gap_s",
    "ramp_depth", "expert_kernels", "matmul_rate_ampere", "matmul_rate_hopper",
    "matmul_rate_blackwell_dense", "node_wait_s", "matmul_rate_cdna4", "context_exposed", "stage_exposed",
    "passes_expert_bias", "matmul_rate_over_benchmark", "channels_first", "matmul_rate_cdna3",
    "matmul_rate_tpu-v6e", "passes_convolutional", "gap_captured_s", "narrow_over_sixteen",
    "software_native", "passes_plain", "software_experts",
)  # fmt: skip
"""Fitted constants of the roofline."""
FACTORS = (
    "software_wide",
    "software_2020_to_2022",
    "software_since_2023",
    "software_yearly",
)
"""Fitted factors on the whole step."""


@dataclass(slots=True)
class Prepared:
    """A case with its work and its layout; unpublished sizes of the layout are searched."""

    case: Case
    work: Work
    layout: Layout
    weight: float = 1.0


def prepare_cases(cases: Iterable[Case], constants: Constants, *, found: bool = False) -> list[Prepared]:
    """Cases with work and layout; ``found`` ignores the published layout and searches it."""
    prepared = []
    for case in cases:
        try:
            flops = count_step(case.config, case.shape, case.training, case.objective)
        except FootprintError:
            continue
        if flops.operations is None:
            continue
        work = work_of(flops.operations, case.training)
        raw = predict_raw(
            work, case.cluster, case.precision, case.year, given={} if found else case.given,
            flash=case.training.fuses_attention, sequence_length=float(case.shape.sequence_length or 0),
            native=case.native, constants=of_its_software(case, constants),
        )  # fmt: skip
        prepared.append(Prepared(case=case, work=work, layout=raw.layout))
    _weigh(prepared)
    return prepared


def _weigh(prepared: Sequence[Prepared]) -> None:
    sizes: dict[str, int] = {}
    for item in prepared:
        sizes[item.case.family] = sizes.get(item.case.family, 0) + 1
    for item in prepared:
        item.weight = sizes[item.case.family] ** -0.5


def development_cases() -> list[Case]:
    """Cases for the fit: step-level and not sealed."""
    return [case for case in throughput_cases(errors=[]) if not case.sealed and case.scope == "step"]


class _Reads(dict[str, float]):
    """Numbers by name that record which names were read."""

    def __init__(self, values: Mapping[str, float]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> float:
        self.names.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: float | None = None) -> float | None:  # type: ignore[override]
        self.names.add(name)
        return super().get(name, default)


class _Recording(Constants):
    """Constants that record which of them were read, here or after some were replaced."""

    __slots__ = ("names",)

    def __init__(self, values: Mapping[str, float], names: set[str] | None = None) -> None:
        reads = _Reads(values)
        reads.names = self.names = set() if names is None else names
        self.values = reads

    def but(self, **overrides: float) -> _Recording:
        return _Recording({**self.values, **overrides}, self.names)


def readers(prepared: Sequence[Prepared], constants: Constants) -> dict[str, list[int]]:
    """Constant -> indices of the cases whose step time depends on it; only these are recomputed."""
    found: dict[str, list[int]] = {name: [] for name in PHYSICS}
    for place, item in enumerate(prepared):
        recording = _Recording(constants.values)
        log_sums([item], recording)
        for name in recording.names & found.keys():
            found[name].append(place)
    return found


def log_sums(prepared: Sequence[Prepared], constants: Constants) -> list[float]:
    """Logarithm of the roofline's sum over the measured time, for every case [1]."""
    machines: dict[tuple[Any, ...], Machine] = {}
    owned: dict[tuple[Any, ...], Constants] = {}
    result = []
    for item in prepared:
        case = item.case
        how = (case.software, case.training.method, case.released, case.overlap)
        key = (case.cluster.accelerator.id, id(case.cluster.node), case.precision, case.year, *how)
        machine = machines.get(key)
        if machine is None or machine.cluster.node is not case.cluster.node:
            own = owned.get(how)
            if own is None:
                own = owned[how] = of_its_software(case, constants)
            machine = Machine(case.cluster, case.precision, case.year, own, case.native)
            machines[key] = machine
        seconds = sum(step_terms(item.work, item.layout, machine).values())
        result.append(math.log(seconds / case.measured_s))
    return result


def log_factors(prepared: Sequence[Prepared], constants: Constants) -> list[float]:
    """Logarithm of the software factor of every case."""
    return [
        math.log(
            software_factor(
                item.work,
                item.case.cluster,
                item.case.precision,
                item.case.year,
                item.case.native,
                None,
                of_its_software(item.case, constants),
            )
        )
        for item in prepared
    ]


def loss(residuals: Sequence[float], weights: Sequence[float], families: Sequence[str]) -> float:
    """Weighted Huber loss of log residuals about the bias of each family, and of the biases [1]."""
    members: dict[str, list[tuple[float, float]]] = {}
    for residual, weight, family in zip(residuals, weights, families, strict=True):
        members.setdefault(family, []).append((residual, weight))
    total = 0.0
    for rows in members.values():
        bias = bias_of(rows)
        total += student(bias) + _huber([(r - bias, w) for r, w in rows])
    return total


def bias_of(rows: Sequence[tuple[float, float]]) -> float:
    """The most probable bias of one family, from its weighted residuals [1]."""
    bias = 0.0
    for _ in range(BIAS_REPEATS):
        pulls = [w / max(1.0, abs(r - bias) / (HUBER * SCATTER)) for r, w in rows]
        stiff = SCATTER**2 * stiffness(bias)
        after = sum(p * r for p, (r, _) in zip(pulls, rows, strict=True)) / (sum(pulls) + stiff)
        moved, bias = abs(after - bias), after
        if moved < 1e-9:
            break
    return bias


def student(bias: float) -> float:
    """Negative log density of the bias of a family, up to a constant: Student's t [1]."""
    return 0.5 * (FREEDOM + 1.0) * math.log1p((bias / BIAS) ** 2 / FREEDOM)


def stiffness(bias: Any) -> Any:
    """Weight of the square of a bias (or of many) in the least squares that have the same slope [1]."""
    return (FREEDOM + 1.0) / (FREEDOM * BIAS**2 + bias**2)


def _huber(rows: Sequence[tuple[float, float]]) -> float:
    total = 0.0
    for residual, weight in rows:
        z = abs(residual) / SCATTER
        total += weight * (0.5 * z * z if z <= HUBER else HUBER * (z - 0.5 * HUBER))
    return total


@dataclass(frozen=True, slots=True)
class Prior:
    """A log-normal prior."""

    mid: float
    sigma: float

    def cost(self, value: float) -> float:
        """Negative log density, without its constant [1]."""
        return 0.5 * (math.log(value / self.mid) / self.sigma) ** 2


@functools.cache
def priors() -> dict[str, Prior]:
    """Priors of the fitted constants, from their assumed intervals."""
    table = read_toml(reference_folder() / "assumptions" / "time.toml")
    result = {}
    for name in (*PHYSICS, *FACTORS):
        row = table[name]
        result[name] = Prior(row["value"], max(0.02, math.log(row["high"] / row["low"]) / (2 * Z90)))
    return result


def resolution(name: str) -> float:
    """Accepted log difference of a shipped constant from a new fit [1].

    A corrected chip or count may move constants a little before the next calibration is written. Where
    the posterior is flat, a constant may lie anywhere within half the width of its prior.
    """
    return max(0.05, 0.5 * priors()[name].sigma)


@functools.cache
def base_constants() -> Constants:
    """The constants before any fitting."""
    table = read_toml(reference_folder() / "assumptions" / "time.toml")
    return Constants({name: float(row["value"]) for name, row in table.items()})


def objective(prepared: Sequence[Prepared], values: Mapping[str, float], sums: Sequence[float]) -> float:
    """Negative log posterior density of these values, up to a constant [1]; ``sums`` is their `log_sums`."""
    factors = log_factors(prepared, base_constants().but(**values))
    residuals = [a + b for a, b in zip(sums, factors, strict=True)]
    data = loss(residuals, [item.weight for item in prepared], [item.case.family for item in prepared])
    return data + sum(prior.cost(values[name]) for name, prior in priors().items())


def folds(prepared: Sequence[Prepared], by: str) -> list[str]:
    """Names of the folds; stacks and models are folds only for mixtures of experts, which are one family."""
    shared = by in ("stack", "model")
    return sorted({getattr(item.case, by) for item in prepared if item.work.experts or not shared})


def residuals_by_fold(
    prepared: Sequence[Prepared], by: str, values: Mapping[str, Mapping[str, float]]
) -> list[float]:
    """Log of predicted over measured time, each case with the constants fitted without its fold [1]."""
    base = base_constants()
    residuals = [0.0] * len(prepared)
    for fold, fitted in values.items():
        places = [i for i, item in enumerate(prepared) if getattr(item.case, by) == fold]
        held = [prepared[i] for i in places]
        constants = base.but(**fitted)
        for i, a, b in zip(places, log_sums(held, constants), log_factors(held, constants), strict=True):
            residuals[i] = a + b
    return residuals
