"""From a model config to an operation list, and from that to FLOPs, bytes and memory."""

from footprint.flops.count import StepFlops, count_step, operation_list
from footprint.flops.fields import ConfigError
from footprint.flops.registry import model_families
from footprint.flops.tally import Parameters

__all__ = ["ConfigError", "Parameters", "StepFlops", "count_step", "model_families", "operation_list"]
