"""Weights & Biases: ``with track(model="baby-gpt") as run:`` logs to the active run, offline too.

Its charts get the ``footprint/...`` metrics over ``footprint/step``, its summary the measurement.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from footprint.errors import FootprintError
from footprint.integrations import metrics
from footprint.integrations.training import PREFIX, final_metrics, load
from footprint.tracking import Run


def track(**options: Any) -> AbstractContextManager[Run]:
    """`footprint.track` beside the active run of Weights & Biases; FootprintError if there is none."""
    active = load("wandb", "wandb").run
    if active is None:
        raise FootprintError("no run of Weights & Biases is active: begin one with wandb.init()")
    active.define_metric(f"{PREFIX}step")
    active.define_metric(f"{PREFIX}*", step_metric=f"{PREFIX}step")

    def write(values: Any, step: int) -> None:
        active.log({**values, f"{PREFIX}step": step})

    def finish(run: Run) -> None:
        active.summary.update({**final_metrics(run), f"{PREFIX}run_id": run.run_id})

    return metrics.track(write, finish, **options)
