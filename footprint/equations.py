"""Every formula of the chain on one page; operators only, so floats, quantities and arrays pass through.

Each names what it gives with its unit, and carries its form for ``--explain`` (`formula`): a text in
which the names of the arguments stand in braces. Step time, communication, memory and power have
pages of their own in ``footprint.performance``.

References
----------
[1] Strubell, Ganesh, McCallum 2019, arXiv:1906.02243, equations 1 and 2.
[2] Chowdhery et al. 2022 (PaLM), arXiv:2204.02311, appendix B: model FLOPs utilisation.
[3] Narayanan et al. 2021, arXiv:2104.04473: pipeline bubble and tensor-parallel volume.
[4] Patterson et al. 2021, arXiv:2104.10350: energy = hours x processors x watts x PUE.
[5] ISO/IEC 30134-2:2016: power usage effectiveness; ISO/IEC 30134-9:2022: water usage effectiveness.
[6] Green Software Foundation, SCI specification 1.0 (ISO/IEC 21031:2024): embodied share by time.
[7] Hoffmann et al. 2022, arXiv:2203.15556: C = 6 N D.
[8] Rabenseifner 2004, 10.1007/978-3-540-24685-5_1: bandwidth-optimal all-reduce.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from footprint.units import G_PER_KG, HOURS_PER_YEAR, SECONDS_PER_HOUR, W_PER_KW

Number = Any  # float, Quantity or array: whatever the operators accept
Equation = TypeVar("Equation", bound=Callable[..., Any])


def formula(form: str) -> Callable[[Equation], Equation]:
    """Give an equation that is a link of the chain its form for ``--explain``."""

    def note(equation: Equation) -> Equation:
        equation.form = form  # type: ignore[attr-defined]
        return equation

    return note


# ---------------------------------------------------------------------------- work

REFERENCE_PARAMETERS = 1e9
REFERENCE_TOKENS = 1e12


def batch_tokens(
    reference_batch_tokens: Number,
    parameters: Number,
    tokens: Number,
    per_parameters: Number,
    per_tokens: Number,
) -> Number:
    """Usual batch of a language model's pre-training [token], a power law of its size and its amount.

    ``reference_batch_tokens`` is that of 1e9 parameters and 1e12 tokens; the exponents have no unit. Fitted
    by ``calibration/defaults.py``; DeepSeek-AI 2024 (arXiv:2401.02954) found 0.33 for compute.
    """
    by_parameters = (parameters / REFERENCE_PARAMETERS) ** per_parameters
    return reference_batch_tokens * by_parameters * (tokens / REFERENCE_TOKENS) ** per_tokens


# ---------------------------------------------------------------------------- time


def step_time_s(step_flop: Number, count: Number, peak_flop_per_s: Number, mfu: Number) -> Number:
    """Duration of one step from its model FLOPs and the MFU [s] (2)."""
    return step_flop / (count * peak_flop_per_s * mfu)


@formula("{step_flop} / ({count} x {peak_flop_per_s} x {step_time_s})")
def mfu(step_flop: Number, step_time_s: Number, count: Number, peak_flop_per_s: Number) -> Number:
    """Model FLOPs utilisation: share of the dense peak that the model's own FLOPs take [1] (2)."""
    return step_flop / (step_time_s * (count * peak_flop_per_s))


@formula("{steps} x {step_time_s} / {goodput} x {interruptions}")
def duration_h(
    steps: Number, step_time_s: Number, goodput: Number = 1.0, interruptions: Number = 1.0
) -> Number:
    """Wall-clock duration of a run [h].

    ``goodput`` is the share of the time that makes progress; ``interruptions`` the factor by which a
    run takes longer whose accelerators are taken away (spot).
    """
    return steps * step_time_s / SECONDS_PER_HOUR / goodput * interruptions


@formula("{duration_h} x {count}")
def accelerator_h(duration_h: Number, count: Number) -> Number:
    """Accelerator-hours of a run [h]."""
    return duration_h * count


def pipeline_bubble_share(stages: Number, micro_batches: Number, interleaving: Number = 1.0) -> Number:
    """Idle time of a pipeline over its busy time [1] (3)."""
    return (stages - 1) / (interleaving * micro_batches)


def idle_stages_share(stages: Number, micro_batches: Number) -> Number:
    """Idle time of a pipeline with fewer micro-batches than stages, over its busy time; else below 0 [1].

    A micro-batch is on one stage at a time, so that interleaving does not fill the others.
    """
    return stages / micro_batches - 1


def ring_share(ranks: Number) -> Number:
    """Bytes each rank sends in a ring reduce-scatter or all-gather, over the buffer's size [1] (8)."""
    return (ranks - 1) / ranks


# -------------------------------------------------------------------- power and energy


@formula("{tdp_w} x ({busy_over_tdp} x {busy_share} + {waiting_over_tdp} x (1 - {busy_share}))")
def in_step_power_w(
    tdp_w: Number, busy_share: Number, busy_over_tdp: Number, waiting_over_tdp: Number
) -> Number:
    """Mean board power inside a step in which the accelerator is busy for a share b of the time [W].

    The board draws ``busy`` or, while it waits for others, ``waiting``. The form is
    TDP * (busy * b + waiting * (1 - b)), written so that no quantity is subtracted from one. The
    ratios are assumptions of the topic ``power``.
    """
    return tdp_w * (busy_share * (busy_over_tdp - waiting_over_tdp) + waiting_over_tdp)


@formula("{fed_share} x {in_step_w} + (1 - {fed_share}) x {idle_w}")
def fed_power_w(in_step_w: Number, idle_w: Number, fed_share: Number) -> Number:
    """Mean board power where steps fill a share f of the time [W].

    Outside of steps, starved by input or host, the board sinks towards its idle power.
    """
    return fed_share * (in_step_w - idle_w) + idle_w


@formula("{it_power_w} x {duration_h}")
def energy_kwh(it_power_w: Number, duration_h: Number) -> Number:
    """Energy of a mean power over a time [kWh] (4)."""
    return it_power_w * duration_h / W_PER_KW


def mean_power_w(energy_kwh: Number, duration_h: Number) -> Number:
    """Mean power of an energy over a time [W]."""
    return energy_kwh / duration_h * W_PER_KW


@formula("{it_energy_kwh} x {pue}")
def facility_energy_kwh(it_energy_kwh: Number, pue: Number) -> Number:
    """Energy of the facility from the IT energy, PUE applied this once [kWh] (5)."""
    return it_energy_kwh * pue


def cooling_kwh(it_energy_kwh: Number, pue: Number) -> Number:
    """Energy of cooling and power distribution: what the facility draws above its IT [kWh] (5)."""
    return it_energy_kwh * (pue - 1.0)


# ----------------------------------------------------------------- emissions and water


@formula("{energy_kwh} x {grid_g_per_kwh}")
def co2e_kg(energy_kwh: Number, grid_g_per_kwh: Number) -> Number:
    """Operational CO2e of an energy at the given grid intensity [kg] (4)."""
    return energy_kwh * grid_g_per_kwh / G_PER_KG


def strubell_co2e_lb(energy_kwh: Number, lb_per_kwh: Number = 0.954) -> Number:
    """Equation 2 of Strubell et al. 2019, CO2e = 0.954 p_t [lb] (1)."""
    return energy_kwh * lb_per_kwh


def working_h(lifetime_years: Number, utilisation: Number) -> Number:
    """Hours in which hardware works during its life [h]."""
    return lifetime_years * utilisation * HOURS_PER_YEAR


@formula("({kg_per_accelerator} + {server_kg_per_accelerator}) x {accelerator_h} / {working_h}")
def embodied_kg(
    kg_per_accelerator: Number, server_kg_per_accelerator: Number, accelerator_h: Number, working_h: Number
) -> Number:
    """Share of the hardware's embodied CO2e that a run uses up, by time [kg] (6)."""
    return (kg_per_accelerator + server_kg_per_accelerator) * accelerator_h / working_h


@formula("{it_energy_kwh} x {wue_l_per_kwh}")
def water_l(it_energy_kwh: Number, wue_l_per_kwh: Number) -> Number:
    """Water evaporated on site: WUE counts per kWh of IT energy [l] (5)."""
    return it_energy_kwh * wue_l_per_kwh


# ------------------------------------------------------------------------------- money


@formula("{accelerator_h} x {usd_per_accelerator_h}")
def cost_usd(accelerator_h: Number, usd_per_accelerator_h: Number) -> Number:
    """Cost of rented accelerators [USD]."""
    return accelerator_h * usd_per_accelerator_h


def owned_usd_per_h(capital_usd: Number, working_h: Number) -> Number:
    """Capital cost of an owned accelerator for each hour that it is used, written off evenly [USD/h]."""
    return capital_usd / working_h


@formula("{accelerator_h} x {capital_usd_per_h} + {energy_kwh} x {electricity_usd_per_kwh}")
def owned_usd(
    accelerator_h: Number, capital_usd_per_h: Number, energy_kwh: Number, electricity_usd_per_kwh: Number
) -> Number:
    """Cost of a run on owned accelerators: its share of the capital, and its electricity [USD]."""
    return accelerator_h * capital_usd_per_h + energy_kwh * electricity_usd_per_kwh


def total_of_runs(one_run: Number, runs: Number = 1.0, failed_share: Number = 0.0) -> Number:
    """A run's hours, energy or money for N kept runs when a share of all of it went to failed ones."""
    return one_run * (runs / (1.0 - failed_share))


def break_even_requests(once: Number, per_1000_requests: Number) -> Number:
    """Requests that cost as much as something done once: energy, mass or money alike [1]."""
    return once / per_1000_requests * 1000.0


# ------------------------------------------------------------------------- comparison


def flop_6nd(parameters: Number, tokens: Number) -> Number:
    """Training FLOPs by the 6ND rule, for comparison only [FLOP] (7)."""
    return 6.0 * parameters * tokens
