"""The numbers of the step-time model, read from ``reference_data/assumptions``.

``time.toml`` holds known and assumed numbers, ``time_fitted.toml`` the numbers fitted by the calibration.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

from footprint.arithmetic import power, sqrt
from footprint.catalog.assumptions import assumed, assumed_values
from footprint.performance.roofline.techniques import Techniques
from footprint.schema import Accelerator
from footprint.vocabulary import NARROW, SIXTEEN_BIT, WIDE

MOST = 0.95
"""Upper limit of the rate of large products, as a share of the peak."""
SAME_SILICON = 2.0
"""Largest ratio of watts per FLOP/s between two chips of a generation for which the power-limit rule holds.

The rule was fitted on boards of one chip, from PCIe to SXM. Consumer boards and cut-down export chips
differ by more, because their silicon is different."""
ULTRA = 5.0
"""Ratio of the fp4 to the 16-bit peak that tells Blackwell Ultra (6) from Blackwell (4).

Blackwell Ultra also computes the exponentials of attention at twice the rate."""

HALVED = 2.5
"""Ratio of the 16-bit to the fp32 peak below which the matrix units are halved: 2 on GeForce, 4 elsewhere."""
GRAPHICS = 5.0
"""The same ratio below which a chip is made for graphics, too (GA102, AD102, GB202): 4 or 2, A100 has 16."""
GRAPHICS_SINCE = ("ampere", "ada", "blackwell")
LANES_RATIO = 8.0
"""Ratio of the 16-bit to the fp32 peak at which a chip with 128 fp32 lanes for each multiprocessor has as
many matrix operations for each exponential as an A100: 1,024 a clock beside 16 exponentials, over 128."""


class Constants:
    """The constants of the step-time model by name."""

    __slots__ = ("values",)

    def __init__(self, values: Mapping[str, float]) -> None:
        self.values = dict(values)

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def but(self, **overrides: float) -> Constants:
        """These constants with some replaced."""
        return Constants({**self.values, **overrides})

    def matmul_rate(self, chip: Accelerator, precision: str) -> float:
        """Share of the dense peak that large matrix products reach on a chip [1]."""
        if chip.kind == "tpu":
            return self.values.get(f"matmul_rate_{chip.generation}", self["matmul_rate_tpu"])
        measured = measured_share(chip, precision)
        if measured is None and is_halved(chip) and precision not in WIDE:
            measured = self["halved_over_peak"]
        if measured is not None:
            rate = measured * self["matmul_rate_over_benchmark"]
            return rate * self["narrow_over_sixteen"] if precision in NARROW else rate
        if precision in ("fp32", "fp64") or (precision == "tf32" and chip.kind == "gpu"):
            return self["matmul_rate_wide"] if precision != "tf32" else self["matmul_rate_tf32"]
        rate = self.values.get(f"matmul_rate_{chip.generation}", self["matmul_rate_unmeasured"])
        if precision in NARROW:
            rate *= self["narrow_over_sixteen"]
        return self._limited(chip, rate)

    def sustained_rate(self, chip: Accelerator, precision: str) -> float:
        """The same in steps that are nearly all large matrix products, those of dense models [1].

        The power limit lowers the clock of such steps further, in the formats that need most power.
        """
        rate = self.values.get(f"matmul_rate_{chip.generation}_dense")
        if rate is None or precision not in SIXTEEN_BIT or is_halved(chip) or chip.product_flop_per_s:
            return self.matmul_rate(chip, precision)
        return self._limited(chip, rate)

    def _limited(self, chip: Accelerator, rate: float) -> float:
        """A rate at the power limit of a chip, which sets its clock under load [1]."""
        measured_at = self.values.get(f"{chip.generation}_w_per_flop_per_s")
        if measured_at is not None and chip.tdp_w is not None:
            watts = chip.tdp_w / sixteen_bit_peak(chip)
            if 1.0 / SAME_SILICON <= watts / measured_at <= SAME_SILICON:
                rate = min(MOST, rate * power(watts / measured_at, self["power_limit_exponent"]))
        return rate

    def slice_size(self, chip: Accelerator) -> int:
        """Number of chips in the largest slice (one torus) of a TPU generation."""
        return int(self.values.get(f"slice_{chip.generation}", self["slice_unknown"]))

    def flash_rate(self, chip: Accelerator, native: bool | None, techniques: Techniques) -> float:
        """Share of the 16-bit peak that fused attention reaches on a chip with a year's kernels [1]."""
        if chip.kind == "tpu":
            return self["flash_rate_tpu"]
        if is_graphics(chip):
            return self._graphics_flash_rate(chip, techniques)
        narrowest = chip.peak_flop_per_s.get("fp4", 0.0)
        if chip.generation == "blackwell" and narrowest > ULTRA * sixteen_bit_peak(chip):
            return self["flash_rate_blackwell_ultra"]
        plain = self.values.get(f"flash_rate_{chip.generation}", self["flash_rate_unmeasured"])
        if techniques.first_fused_attention:
            plain = self.values.get(f"flash_rate_{chip.generation}_first", plain)
        tuned = self.values.get(f"flash_rate_{chip.generation}_tuned", plain)
        if native is False or techniques.vendor_attention:
            return tuned
        return plain if native else float(sqrt(plain * tuned))

    def _graphics_flash_rate(self, chip: Accelerator, techniques: Techniques) -> float:
        """The same of a chip for graphics, which runs the kernels of the A100 [1].

        It has fewer matrix units for each unit of exponentials. If products take a share r of the time on an
        A100, and k times as long here beside exponentials that take as long, their share here is
        k r / (1 + (k - 1) r). What limits the clock of products limits both.
        """
        first = "_first" if techniques.first_fused_attention else ""
        rate, ratio = self[f"flash_rate_ampere{first}"], LANES_RATIO / _matrix_ratio(chip)
        clock = min(1.0, self.matmul_rate(chip, "bf16") / self["matmul_rate_ampere"])
        return clock * ratio * rate / (1.0 + (ratio - 1.0) * rate)


def measured_share(chip: Accelerator, precision: str) -> float | None:
    """Share of the peak that products reach in a benchmark of this chip; narrow formats as 16 bits [1]."""
    known = chip.product_flop_per_s
    if precision in NARROW and precision not in known:
        precision = "bf16" if "bf16" in known else "fp16"
    return known[precision] / chip.peak_flop_per_s[precision] if precision in known else None


def is_graphics(chip: Accelerator) -> bool:
    """Whether a chip has the multiprocessors of graphics cards, with 128 fp32 lanes."""
    return chip.generation in GRAPHICS_SINCE and _matrix_ratio(chip) < GRAPHICS


def _matrix_ratio(chip: Accelerator) -> float:
    """The 16-bit peak over the fp32 peak [1]."""
    return sixteen_bit_peak(chip) / chip.peak_flop_per_s.get("fp32", math.inf)


def is_halved(chip: Accelerator) -> bool:
    """Whether the matrix units add at half of their rate, as those of GeForce boards since Ampere."""
    return chip.generation in GRAPHICS_SINCE and _matrix_ratio(chip) < HALVED


def sixteen_bit_peak(chip: Accelerator) -> float:
    """The higher 16-bit peak of a chip, else its highest peak [FLOP/s]."""
    peaks = chip.peak_flop_per_s
    return max(peaks.get("bf16", 0.0), peaks.get("fp16", 0.0)) or max(peaks.values())


@functools.cache
def load_constants() -> Constants:
    """The constants of the shipped data."""
    return Constants({**assumed_values("time"), **assumed_values("time_fitted")})


@functools.cache
def highest_rates() -> Constants:
    """The constants with products and fused attention at the upper ends of their rates."""
    shipped = load_constants()
    names = [name for name in shipped.values if name.startswith(("matmul_rate_", "flash_rate_"))]
    return shipped.but(**{name: max(shipped[name], assumed(f"time.{name}").high) for name in names})


def memory_constants(optimizer: str, method: str) -> Constants:
    """The constants with the bytes of this optimiser's states and, for QLoRA, of 4-bit weights."""
    states = {"optimiser_state_byte": assumed(f"optimisers.{optimizer}").value}
    return load_constants().but(**states, **method_constants(method))


def method_constants(method: str) -> dict[str, float]:
    """What a method of training replaces of the constants.

    For QLoRA, the bytes of 4-bit weights; for whole models that are fine-tuned, that all states may have 16
    bits, as those of a model that is loaded in bf16 have in PyTorch.
    """
    if method == "finetune":
        return {"sixteen_bit_states": 1.0}
    if method != "qlora":
        return {}
    return {
        "frozen_weight_byte": assumed("optimisers.qlora_weight").value,
        "dequantised_byte": assumed("time.dequantise_qlora").value,
    }
