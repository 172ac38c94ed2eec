"""From a model config to an operation list, and from that to FLOPs, bytes and memory."""

from footprint.flops.config.fields import ConfigError
from footprint.flops.count import count_step, operation_list
from footprint.flops.passes.totals import Parameters
from footprint.flops.registry import model_families
from footprint.flops.step import StepFlops

__all__ = ["ConfigError", "Parameters", "StepFlops", "count_step", "model_families", "operation_list"]
