"""Lightning (either package name): ``Trainer(callbacks=[FootprintCallback(region="FRA")])``.

It counts steps and samples, finds the module that is trained and its operations, records validation as a
phase, forecasts, and adds ``footprint/...`` metrics to the trainer's logs. A training that resumes from a
checkpoint continues its run.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from footprint.integrations.pretrained import (
    attention_of,
    config_file,
    lengths_of,
    method_of,
    model_within,
)
from footprint.integrations.training import Loop, compose, harmless, lazy, load

_PRECISIONS = {"16": "fp16", "bf16": "bf16", "32": "fp32"}


@functools.cache
def _make_class() -> Any:
    """The class ``FootprintCallback``, made when it is first used, because it needs Lightning."""
    try:
        base = load("lightning.pytorch", "lightning").Callback
    except ImportError:
        base = load("pytorch_lightning", "lightning").Callback
    return compose("FootprintCallback", __name__, _Hooks, base)


class _Hooks:
    """Counts a Trainer's steps; takes the options of `footprint.track`."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.loop = Loop(options)
        self._samples = 0.0
        self._step = 0
        self._waiting: tuple[Any, dict[str, Any]] | None = None
        """The model of transformers in the module, and what is known of a run that the first batch begins."""

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self._step, self._samples = trainer.global_step, 0.0
        found: dict[str, Any] = {}
        with harmless():
            found = _found(trainer)
            if "model" not in self.loop.options and (model := model_within(pl_module)) is not None:
                self._waiting = model, found
                return
        self.loop.start(**found)
        self.loop.watch_module(trainer.global_rank, trainer.world_size)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        model, found = waiting
        with harmless():
            named = batch if hasattr(batch, "keys") else {}
            found |= {
                "model": config_file(model.config, Path(trainer.default_root_dir)),
                "batch_size": (_size(batch) * trainer.accumulate_grad_batches * trainer.world_size) or None,
                **method_of(model),
                **attention_of(model),
                **lengths_of(model.config, (), named),
            }
        self.loop.start(**found)

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        with harmless():
            self._samples += _size(batch)
        if trainer.global_step == self._step:
            return  # gradients are still being accumulated
        self._step = trainer.global_step
        samples, self._samples = self._samples, 0.0
        if self.loop.step(samples=samples, optimizers=trainer.optimizers):
            trainer.should_stop = True
        with harmless():
            loss = outputs.get("loss") if hasattr(outputs, "get") else outputs
            if loss is not None:  # Lightning has divided it by the batches of a step
                self.loop.log(loss * trainer.accumulate_grad_batches)
        metrics = self.loop.live()
        if metrics:
            with harmless():
                pl_module.log_dict(metrics, on_step=True, on_epoch=False, rank_zero_only=True)

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        self.loop.enter("eval")

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        self.loop.leave()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self.loop.end()
        if trainer.is_global_zero:
            with harmless():
                for logger in trainer.loggers:
                    logger.log_metrics(self.loop.final(), step=trainer.global_step)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self.loop.end(exception)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        self.loop.end()

    def state_dict(self) -> dict[str, Any]:
        run = self.loop.run or self.loop.ended
        return {"run_id": run.run_id} if run is not None else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.loop.options.setdefault("run_id", state_dict.get("run_id"))


def _found(trainer: Any) -> dict[str, Any]:
    """Options of the run that the trainer knows."""
    steps = trainer.estimated_stepping_batches
    precision = str(trainer.precision).partition("-")[0]
    return {
        "total_steps": float(steps) if 0 < steps < float("inf") else None,
        "initial_step": trainer.global_step,
        "precision": _PRECISIONS.get(precision) if precision != "32" else None,
    }


def _size(batch: Any) -> int:
    """Number of samples in a batch: the length of its first tensor."""
    waiting = [batch]
    while waiting:
        part = waiting.pop(0)
        shape = getattr(part, "shape", None)
        if shape is not None and len(shape) > 0:
            return int(shape[0])
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list | tuple):
            waiting += part
    return 0


__getattr__ = lazy("FootprintCallback", _make_class, __name__)
