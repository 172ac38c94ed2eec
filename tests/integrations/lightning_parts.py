"""A module and a logger of Lightning's, in a file of their own: importing Lightning takes seconds."""

from __future__ import annotations

from typing import Any

import torch
from lightning import pytorch as lightning


class Line(lightning.LightningModule):  # type: ignore[misc, name-defined]
    """A straight line to learn; a validation step that takes a while."""

    def __init__(self, *, fails_at: int = -1) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(8, 1)
        self.fails_at = fails_at
        self.losses: list[float] = []

    def _loss(self, batch: Any) -> Any:
        (x,) = batch
        return (self.layer(x) - x.sum(1, keepdim=True)).square().mean()

    def training_step(self, batch: Any, index: int) -> Any:
        if self.global_step == self.fails_at:
            raise ValueError("a bad record")
        loss = self._loss(batch)
        self.losses.append(float(loss))
        return loss

    def validation_step(self, batch: Any, index: int) -> Any:
        return self._loss(batch)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.01)


class Kept(lightning.loggers.Logger):  # type: ignore[misc, name-defined]
    """What a logger is given."""

    name, version = "kept", 0

    def __init__(self) -> None:
        super().__init__()
        self.logged: list[dict[str, float]] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.logged.append(dict(metrics))

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        pass
