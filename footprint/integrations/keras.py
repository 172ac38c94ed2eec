"""Keras 3: ``model.fit(..., callbacks=[FootprintCallback(samples=32, region="FRA")])``.

It counts the training batches, records evaluation as a phase, forecasts, and adds the ``footprint/...``
metrics to the logs of each epoch, so that they stand in the ``History``. Keras does not tell a callback the
size of a batch: ``samples`` and ``tokens`` say what one holds.
"""

from __future__ import annotations

import functools
from typing import Any

from footprint.integrations.training import Loop, compose, harmless, lazy, load

_PRECISIONS = {"float16": "fp16", "bfloat16": "bf16"}


@functools.cache
def _make_class() -> Any:
    """The class ``FootprintCallback``, made when it is first used, because it needs Keras."""
    return compose("FootprintCallback", __name__, _Hooks, load("keras", "keras").callbacks.Callback)


class _Hooks:
    """Counts the batches of ``fit``; takes the options of `footprint.track`."""

    params: Any
    model: Any

    def __init__(self, *, samples: float = 0, tokens: float = 0, **options: Any) -> None:
        super().__init__()
        self.loop = Loop(options)
        self._samples, self._tokens = samples, tokens
        self._batch = -1

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        found: dict[str, Any] = {}
        with harmless():
            steps, epochs = (self.params or {}).get("steps"), (self.params or {}).get("epochs")
            policy = getattr(getattr(self.model, "dtype_policy", None), "compute_dtype", None)
            found = {
                "total_steps": float(steps * epochs) if steps and epochs else None,
                "precision": _PRECISIONS.get(str(policy)),
            }
        self.loop.start(**found)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._batch = -1

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        done, self._batch = batch - self._batch, batch  # several, with steps_per_execution
        for _ in range(done):
            if self.loop.step(tokens=self._tokens, samples=self._samples):
                self.model.stop_training = True
        self.loop.log((logs or {}).get("loss"))

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.loop.enter("eval")

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self.loop.leave()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs.update(self.loop.live())

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.loop.end()
        if logs is not None:
            logs.update(self.loop.final())


__getattr__ = lazy("FootprintCallback", _make_class, __name__)
