"""Every formula of the project on one page; operators only, so floats, quantities and arrays pass through.

References
----------
[1] Strubell, Ganesh, McCallum 2019, arXiv:1906.02243, equations 1 and 2.
[2] Chowdhery et al. 2022 (PaLM), arXiv:2204.02311, appendix B: model FLOPs utilisation.
[3] Narayanan et al. 2021, arXiv:2104.04473: pipeline bubble and tensor-parallel volume.
[4] Patterson et al. 2021, arXiv:2104.10350: energy = hours x processors x watts x PUE.
[5] ISO/IEC 30134-2:2016: power usage effectiveness; ISO/IEC 30134-9:2022: water usage effectiveness.
[6] Green Software Foundation, SCI specification 1.0 (ISO/IEC 21031:2024): embodied share by time.
[7] Hoffmann et al. 2022, arXiv:2203.15556, equation 10: parametric loss.
[8] Muennighoff et al. 2023, arXiv:2305.16264: the worth of repeated data.
[9] Rabenseifner 2004, 10.1007/978-3-540-24685-5_1: bandwidth-optimal all-reduce.
"""

from __future__ import annotations

from math import exp
from typing import Any

from footprint.units import G_PER_KG, KG_PER_LB, SECONDS_PER_HOUR, W_PER_KW

Number = Any  # float, Quantity or array: whatever the operators accept

# ---------------------------------------------------------------------------- time


def step_time_s(step_flop: Number, accelerators: Number, peak_flop_per_s: Number, mfu: Number) -> Number:
    """Duration of one step from its model FLOPs and the MFU [s] (2)."""
    return step_flop / (accelerators * peak_flop_per_s * mfu)


def mfu(step_flop: Number, step_time_s: Number, accelerators: Number, peak_flop_per_s: Number) -> Number:
    """Model FLOPs utilisation: share of the dense peak that the model's own FLOPs take [1] (2)."""
    return step_flop / (step_time_s * (accelerators * peak_flop_per_s))


def duration_h(steps: Number, step_time_s: Number, goodput: Number = 1.0) -> Number:
    """Wall-clock duration of a run whose share ``goodput`` of the time makes progress [h]."""
    return steps * step_time_s / goodput / SECONDS_PER_HOUR


def accelerator_h(duration_h: Number, accelerators: Number) -> Number:
    """Accelerator-hours of a run [h]."""
    return duration_h * accelerators


def pipeline_bubble_share(stages: Number, micro_batches: Number, interleaving: Number = 1.0) -> Number:
    """Idle time of a pipeline over its busy time [1] (3)."""
    return (stages - 1) / (interleaving * micro_batches)


def ring_share(ranks: Number) -> Number:
    """Bytes each rank sends in a ring reduce-scatter or all-gather, over the buffer's size [1] (9)."""
    return (ranks - 1) / ranks


# -------------------------------------------------------------------- power and energy


def accelerator_power_w(
    tdp_w: Number,
    busy_share: Number,
    busy_over_tdp: Number,
    waiting_over_tdp: Number,
    fed_share: Number = 1.0,
    idle_over_tdp: Number = 0.0,
) -> Number:
    """Mean board power at a busy share b of steps that fill a share f of the time [W].

    Inside a step the board draws ``busy`` or, while it waits for others, ``waiting``; outside of
    them, starved by input or host, it sinks towards ``idle``:
    TDP * (f * (busy * b + waiting * (1 - b)) + idle * (1 - f)), written so that no quantity is
    subtracted from one. The ratios are assumptions of the topic ``power``.
    """
    in_step = busy_share * (busy_over_tdp - waiting_over_tdp) + (waiting_over_tdp - idle_over_tdp)
    return tdp_w * (fed_share * in_step + idle_over_tdp)


def node_power_w(accelerators: Number, accelerator_power_w: Number, host_w: Number) -> Number:
    """IT power of one node: its boards and the rest of it [W] (4)."""
    return accelerators * accelerator_power_w + host_w


def energy_kwh(power_w: Number, hours: Number) -> Number:
    """Energy of a mean power over a time [kWh]."""
    return power_w * hours / W_PER_KW


def facility_energy_kwh(it_kwh: Number, pue: Number) -> Number:
    """Energy of the facility from the IT energy, PUE applied this once [kWh] (5)."""
    return it_kwh * pue


def strubell_energy_kwh(
    hours: Number,
    cpu_w: Number,
    ram_w: Number,
    accelerators: Number,
    accelerator_w: Number,
    pue: Number = 1.58,
) -> Number:
    """Equation 1 of Strubell et al. 2019, p_t = 1.58 t (p_c + p_r + g p_g) / 1000 [kWh] (1)."""
    return facility_energy_kwh(
        energy_kwh(node_power_w(accelerators, accelerator_w, cpu_w + ram_w), hours), pue
    )


# ----------------------------------------------------------------- emissions and water


def co2e_kg(energy_kwh: Number, g_per_kwh: Number) -> Number:
    """Operational CO2e of an energy at the given grid intensity [kg] (4)."""
    return energy_kwh * g_per_kwh / G_PER_KG


def strubell_co2e_lb(energy_kwh: Number, lb_per_kwh: Number = 0.954) -> Number:
    """Equation 2 of Strubell et al. 2019, CO2e = 0.954 p_t [lb] (1)."""
    return energy_kwh * lb_per_kwh


def kg_from_lb(mass_lb: Number) -> Number:
    """A mass in avoirdupois pounds [kg]."""
    return mass_lb * KG_PER_LB


def embodied_kg(kg_per_accelerator: Number, accelerator_h: Number, lifetime_h: Number) -> Number:
    """Share of the hardware's embodied CO2e that a run uses up, by time [kg] (6)."""
    return kg_per_accelerator * accelerator_h / lifetime_h


def water_l(
    it_kwh: Number, onsite_l_per_kwh: Number, facility_kwh: Number = 0.0, offsite_l_per_kwh: Number = 0.0
) -> Number:
    """Water evaporated on site (WUE x IT energy) and for the electricity off site [l] (5)."""
    return it_kwh * onsite_l_per_kwh + facility_kwh * offsite_l_per_kwh


# ------------------------------------------------------------------------------- money


def cost_usd(accelerator_h: Number, usd_per_accelerator_h: Number) -> Number:
    """Cost of rented accelerators [USD]."""
    return accelerator_h * usd_per_accelerator_h


def owned_usd_per_h(capital_usd: Number, lifetime_h: Number, utilisation: Number) -> Number:
    """Capital cost of an owned accelerator for each hour that it is used [USD/h]."""
    return capital_usd / (lifetime_h * utilisation)


def electricity_usd(facility_kwh: Number, usd_per_kwh: Number) -> Number:
    """Cost of the electricity of an owned machine [USD]."""
    return facility_kwh * usd_per_kwh


def total_of_runs(one_run: Number, runs: Number = 1.0, failed_share: Number = 0.0) -> Number:
    """A run's hours, energy or money for N kept runs when a share of all of it went to failed ones."""
    return one_run * (runs / (1.0 - failed_share))


# ---------------------------------------------------------------------------- planning


def flop_6nd(parameters: Number, tokens: Number) -> Number:
    """Training FLOPs by the 6ND rule, for comparison only [FLOP] (7)."""
    return 6.0 * parameters * tokens


def loss_nats(
    parameters: Number, tokens: Number, e: Number, a: Number, b: Number, alpha: Number, beta: Number
) -> Number:
    """Parametric loss E + A / N^alpha + B / D^beta [nats/token] (7)."""
    return e + a / parameters**alpha + b / tokens**beta


def effective_tokens(unique_tokens: float, tokens: float, decay: float = 15.387756) -> float:
    """Fresh tokens that repeated data are worth, U + U R* (1 - exp(-R / R*)), R = D/U - 1 [tokens] (8)."""
    if tokens <= unique_tokens:
        return tokens
    repeats = tokens / unique_tokens - 1.0
    return unique_tokens * (1.0 + decay * (1.0 - exp(-repeats / decay)))
