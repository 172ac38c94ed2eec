"""The compute, memory and network rates of a cluster in one precision."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

from footprint.arithmetic import Number, is_array, maximum, minimum, where, whole_ratio
from footprint.performance.roofline.constants import Constants
from footprint.performance.roofline.techniques import techniques_of
from footprint.schema import Cluster
from footprint.vocabulary import NARROW

BYTES = {"fp64": 8, "fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2, "fp8": 2, "fp4": 2, "int8": 2}
"""Bytes of an activation or a gradient. Precisions below 16 bits keep 16-bit tensors and cast them."""
SIXTEEN_BYTE = 2.0
"""Bytes of a number of 16 bits."""
_RATES = (
    "devices", "flash_rate", "link", "memory", "memory_gib", "network", "node", "peak", "rate",
    "sustained_rate", "wide_peak",
)  # fmt: skip
"""Numbers in which machines of one kind differ."""


class Machine:
    """The rates of a cluster in one precision, with the constants of the model.

    ``native`` says whether the stack uses PyTorch's own kernels and parallelism (True), a vendor's
    tuned stack (False), or is unknown (None). ``network`` is the bandwidth of one accelerator in one
    direction [byte/s]. ``wide_peak`` is the peak for the parts that stay in 16 bits in a narrower run:
    attention, head, and weight gradients on TPUs [FLOP/s].

    ``devices`` is how many of them a program sees on a chip. ``grouped`` says whether experts in few bits are
    one grouped product with their activation, by release and chip.

    `joined` gives many machines of one kind as one, with arrays for rates.
    """

    __slots__ = (
        "bytes", "cluster", "constants", "core_rate", "devices", "flash_rate", "frozen_byte", "grouped",
        "is_gpu", "link", "memory", "memory_gib", "native", "network", "node", "peak", "precision", "rate",
        "recomputes_last", "sorts_apart", "sustained_rate", "techniques", "wide_peak", "year",
    )  # fmt: skip

    def __init__(
        self, cluster: Cluster, precision: str, year: int, constants: Constants, native: bool | None = None
    ) -> None:
        if year >= constants.values.get("captured_since", inf):
            # No host launches the kernels of a graph, and none delays the other nodes.
            gap_s = constants["gap_captured_s"]
            constants = constants.but(gap_s=gap_s, launch_s=gap_s, node_wait_s=0.0)
        self.cluster, self.precision, self.year = cluster, precision, year
        self.constants, self.native = constants, native
        chip, form = cluster.accelerator, cluster.node
        peaks = chip.peak_flop_per_s
        self.peak = peaks[precision]
        sixteen = max(peaks.get("bf16", 0.0), peaks.get("fp16", 0.0))
        self.wide_peak = sixteen if precision in NARROW and sixteen else self.peak
        self.memory = chip.memory_byte_per_s * constants["memory_rate"]
        self.memory_gib = chip.memory_gib
        self.link = chip.link_byte_per_s or constants["pcie_byte_per_s"]
        self.is_gpu = chip.kind in ("gpu", "npu")
        self.techniques = techniques_of(year, is_gpu=self.is_gpu)
        self.node = form.accelerators
        if chip.kind == "tpu":
            # A slice is one torus: communication inside it uses the links only.
            self.node = constants.slice_size(chip)
            self.network = constants["tpu_dcn_byte_per_s"]
        else:
            self.network = (form.network_byte_per_s or constants["network_byte_per_s"]) / form.accelerators
        self.bytes = BYTES[precision]
        self.rate = constants.matmul_rate(chip, precision)
        self.sustained_rate = constants.sustained_rate(chip, precision)
        attention = False if "flash_tuned" in constants.values else native
        self.flash_rate = constants.flash_rate(chip, attention, self.techniques)
        self.devices = chip.devices_per_unit
        few_bits = "grouped_narrow" in constants.values and precision in NARROW
        self.grouped = few_bits and chip.generation == "blackwell"
        self.core_rate = constants["core_rate_eager"]
        self.frozen_byte = constants.values.get("dequantised_byte", 0.0)
        self.recomputes_last = self._recomputes_last()
        self.sorts_apart = self._sorts_apart()

    def _sorts_apart(self) -> float:
        """Whether tokens are sorted to their experts and back by kernels of their own [1]."""
        if not self.is_gpu or "sorts_apart" in self.constants.values:
            return 1.0
        return self.constants["native_share_unknown"] if self.native is None else float(self.native)

    def _recomputes_last(self) -> float:
        """Whether recomputing a block runs its last product again, whose result nothing reads [1].

        XLA removes it, and PyTorch's checkpoints stop before it; a vendor's run the whole block.
        """
        if self.cluster.accelerator.kind == "tpu":
            return 0.0
        said = self.constants.values.get("recompute_stops")
        if said is not None:
            return 1.0 - said
        native = self.constants["native_share_unknown"] if self.native is None else float(self.native)
        return 1.0 - native if self.techniques.recompute_stops else 1.0

    def bandwidth(self, ranks: Number, stride: Number = 1) -> Number:
        """Bandwidth of one accelerator in a group of ``ranks``, ``stride`` apart [byte/s]."""
        return where(ranks * stride <= self.node, self.link, self.network)

    def gather_bandwidth(self, ranks: Number, stride: Number) -> Number:
        """Bandwidth at which every rank of a group receives the same data [byte/s].

        The network carries the data once to each node; the members of a node share it over their links.
        """
        shared = minimum(self.link, self.network * maximum(1, whole_ratio(self.node, stride)))
        return where(ranks * stride <= self.node, self.link, shared)

    def is_like(self, other: Machine) -> bool:
        """Whether two machines differ in their rates alone, so that the same formulas hold for both."""
        return (
            self.cluster.accelerator.kind == other.cluster.accelerator.kind
            and (self.precision, self.year, self.native) == (other.precision, other.year, other.native)
            and self.grouped == other.grouped
            and self.constants.values == other.constants.values
        )

    def at(self, index: Any) -> Machine:
        """The machines of some places; these are joined machines."""
        rates = {name: getattr(self, name) for name in _RATES}
        return self._with({name: rate[index] if is_array(rate) else rate for name, rate in rates.items()})

    def _with(self, rates: dict[str, Any]) -> Machine:
        """A machine of this kind with other rates."""
        other = Machine.__new__(Machine)
        for name in Machine.__slots__:
            setattr(other, name, rates[name] if name in rates else getattr(self, name))
        return other


def joined(machines: Sequence[Machine]) -> Machine:
    """Machines of one kind as one, with an array over them in each rate in which they differ."""
    import numpy as np

    every = {name: [getattr(one, name) for one in machines] for name in _RATES}
    return machines[0]._with(
        {name: rates[0] if len({*rates}) == 1 else np.array(rates, float) for name, rates in every.items()}
    )
