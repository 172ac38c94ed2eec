"""The precision of a run where the user gives none."""

from __future__ import annotations

from footprint.errors import FootprintError
from footprint.performance.roofline.techniques import TENSOR_UNITS_SINCE
from footprint.schema import Accelerator
from footprint.vocabulary import NARROW, SIXTEEN_BIT, WIDE

FASTER = 1.2
"""A format has units of its own if its peak is so many times another's; clocks explain less [1]."""


def choose_precision(recipe_precision: str | None, accelerator: Accelerator, year: int) -> tuple[str, str]:
    """The precision in which a recipe runs on this chip, and the reason as a sentence.

    It is the recipe's precision if the chip has it, else a 16-bit precision that the chip accelerates,
    else fp32. A recipe of the fp32 era runs in 16 bits on a chip with 16-bit matrix units, unless the
    run itself is of that era (``year``). A precision below 16 bits is chosen only if the recipe uses it.
    """
    peaks = accelerator.peak_flop_per_s
    name = accelerator.name
    wide = peaks.get("fp32", 0.0)
    sixteen = [p for p in SIXTEEN_BIT if peaks.get(p, 0.0) > FASTER * wide]
    if "fp16" in sixteen and "bf16" in sixteen and peaks["fp16"] > FASTER * peaks["bf16"]:
        sixteen.reverse()  # MI100: bf16 at half the rate of fp16
    if recipe_precision is None:
        if sixteen and _is_accelerated(accelerator, year):
            return sixteen[0], f"no precision given; {name} has 16-bit matrix units, so {sixteen[0]}"
        return _widest(accelerator), f"no precision given; {_widest(accelerator)} on {name}"
    if recipe_precision in WIDE:
        if sixteen and _is_accelerated(accelerator, year):
            return sixteen[0], (
                f"the recipe is of the {recipe_precision} era; {name} has 16-bit units, so {sixteen[0]}"
            )
        if recipe_precision in peaks:
            return recipe_precision, f"the recipe's {recipe_precision}"
        return _widest(accelerator), f"{name} has no {recipe_precision}; {_widest(accelerator)} instead"
    if recipe_precision in NARROW and recipe_precision in peaks:
        return recipe_precision, f"the recipe's {recipe_precision}"
    if recipe_precision in sixteen:
        return recipe_precision, f"the recipe's {recipe_precision}"
    if sixteen:
        return sixteen[0], f"{name} does not accelerate {recipe_precision}; the nearest is {sixteen[0]}"
    fallback = _widest(accelerator)
    return fallback, f"{name} does not accelerate {recipe_precision}; {fallback} instead"


def _is_accelerated(accelerator: Accelerator, year: int) -> bool:
    """Whether training on this chip uses 16 bits by default, which began in 2017."""
    return min(accelerator.year, year) >= TENSOR_UNITS_SINCE


def _widest(accelerator: Accelerator) -> str:
    """The training precision of a chip without fast 16-bit arithmetic."""
    for precision in ("fp32", "tf32", "bf16", "fp16"):
        if precision in accelerator.peak_flop_per_s:
            return precision
    raise FootprintError(
        f"{accelerator.name} lists no peak in a precision that trains; "
        "add peak_flop_per_s.bf16 or .fp32 to its profile"
    )
