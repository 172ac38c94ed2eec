"""Operation lists of models from their configs, and FLOPs and parameters from these lists."""

from footprint.flops.config.fields import ConfigError
from footprint.flops.count import count_step, operation_list
from footprint.flops.passes.totals import Parameters
from footprint.flops.registry import model_families
from footprint.flops.step import StepFlops

__all__ = ["ConfigError", "Parameters", "StepFlops", "count_step", "model_families", "operation_list"]
