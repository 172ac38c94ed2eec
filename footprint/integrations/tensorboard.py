"""TensorBoard: ``with track(writer, model="baby-gpt") as run:`` adds the ``footprint/...`` scalars."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any

from footprint.integrations import metrics
from footprint.integrations.training import load
from footprint.tracking import Run


def track(writer: Any, **options: Any) -> AbstractContextManager[Run]:
    """`footprint.track` with a ``SummaryWriter``, or with the folder for one, which is closed at the end."""
    own = isinstance(writer, str | os.PathLike)
    if own:
        writer = load("torch.utils.tensorboard", "tensorboard").SummaryWriter(writer)

    def write(values: Any, step: int) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    def finish(_: Run) -> None:
        writer.close() if own else writer.flush()

    return metrics.track(write, finish, **options)
