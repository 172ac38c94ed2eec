"""Which meter a process of a run reads."""

from __future__ import annotations

import os
from typing import Any

from footprint.meters import Meter, meter_from
from footprint.tracking.process.identity import parent_run
from footprint.tracking.process.liveness import boot_id
from footprint.tracking.settings.arguments import Settings


def meter_of(settings: Settings, counts_node: bool, local_world_size: int, options: dict[str, Any]) -> Meter:
    """The meter of this process: the asked one on the rank that counts the node.

    Other ranks read only boards that no one else of the node sees: where each rank was given
    its own (``CUDA_VISIBLE_DEVICES`` shorter than the ranks of the node).
    """
    if counts_node:
        return meter_from(settings.meter, options)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    bound = visible is not None and len(visible.split(",")) < local_world_size
    parent_counts = parent_run(os.environ, boot_id()) is not None
    return (
        meter_from(settings.meter, options)
        if bound and not parent_counts and settings.meter == "codecarbon"
        else meter_from("none")
    )
