"""The words of which a fact, an option or a column takes one, and the sets of them that belong together."""

from __future__ import annotations

from typing import Literal, get_args

Basis = Literal["datasheet", "measured", "derived", "assumed", "fitted"]
Precision = Literal["fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "fp4", "int8"]
Cooling = Literal["air", "water", "immersion"]
Purchase = Literal["on_demand", "spot", "reserved_1y", "reserved_3y"]
Recompute = Literal["none", "selective", "full"]
Attention = Literal["flash", "masked", "eager"]
LoraDropout = Literal["none", "each", "shared"]
Method = Literal["pretrain", "finetune", "lora", "qlora"]
MemoryScope = Literal["allocated", "reserved", "device"]
Unit = Literal["chip", "module", "board", "socket", "core"]
How = Literal["measured", "modelled", "absent"]

PURCHASES: tuple[str, ...] = get_args(Purchase)
PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "fp8", "fp4")
"""Those in which a model is trained."""
WIDE = ("fp32", "tf32", "fp64")
"""Precisions of more than 16 bits."""
SIXTEEN_BIT = ("bf16", "fp16")
NARROW = ("fp8", "fp4", "int8")
"""Precisions of fewer than 16 bits."""
FEW_BITS = ("fp8", "fp4")
"""Floats of 8 bits or fewer."""
ADAPTED = ("lora", "qlora")
"""The methods that train adapters."""

ENDS = ("low", "mid", "high")
"""The numbers of a quantity."""
KINDS = ("estimate", "measurement", "reference")
"""Of the rows of a report."""
FORMS = ("full", "short")
"""Of the columns of a report."""
BY = {"time": "duration_h", "energy": "energy_kwh", "co2e": "co2e_kg", "cost": "cost_usd"}
"""What may matter most in a comparison, and the quantity that says it."""
ON_BUDGET = ("warn", "stop")
ABSENT_HARDWARE = ("exclude", "model")
