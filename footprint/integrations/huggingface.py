"""Hugging Face ``Trainer``: ``attach(trainer, region="FRA")`` before ``trainer.train()``.

It counts steps and samples (tokens, where the trainer counts them), records evaluation as a phase,
forecasts from the first step on, and adds ``footprint/...`` metrics to every log of the trainer.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from footprint.integrations.training import Loop, compose, harmless, lazy, load

CONFIG_FILE = "footprint-model.json"


def attach(trainer: Any, **options: Any) -> Any:
    """The callback, placed before all others of the trainer, so that these receive the added metrics.

    ``options`` are those of `footprint.track`: ``region``, ``hw``, ``csv``, ``budget``, ``seq_len`` ...
    ``trainer.train`` is wrapped, because a callback alone does not learn that a training raised an error.

    Raises:
        ImportError: transformers is not installed.
        FootprintError, TypeError: a wrong option.
    """
    callback = _make_class()(**options)
    trainer.callback_handler.callbacks.insert(0, callback)
    train = trainer.train

    @functools.wraps(train)
    def train_and_end(*args: Any, **kwargs: Any) -> Any:
        try:
            return train(*args, **kwargs)
        except BaseException as error:
            callback.loop.end(error)
            raise

    trainer.train = train_and_end
    return callback


@functools.cache
def _make_class() -> Any:
    """The class ``FootprintCallback``, made when it is first used, because it needs transformers."""
    base = load("transformers", "hf").TrainerCallback
    return compose("FootprintCallback", __name__, _Hooks, base)


class _Hooks:
    """Counts a Trainer's steps; takes the options of `footprint.track`."""

    def __init__(self, **options: Any) -> None:
        self.loop = Loop(options)
        self._tokens = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._tokens = float(getattr(state, "num_input_tokens_seen", 0) or 0)
        found: dict[str, Any] = {}
        with harmless():
            found = _found(args, state, kwargs.get("model"), self.loop.options)
        self.loop.start(**found)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        seen = float(getattr(state, "num_input_tokens_seen", 0) or 0)
        tokens, self._tokens = (seen - self._tokens) / max(1, args.world_size), seen
        samples = args.train_batch_size * args.gradient_accumulation_steps
        if self.loop.step(tokens=max(0.0, tokens), samples=samples):
            control.should_training_stop = control.should_save = True

    def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.loop.enter("eval")

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.loop.leave()

    def on_predict(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        self.loop.leave()

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        metrics = self.loop.live()
        if logs is not None:
            logs.update(metrics)
        if state.log_history:
            state.log_history[-1].update(metrics)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.loop.end()
        if state.is_world_process_zero and state.log_history:
            state.log_history[-1].update(self.loop.final())


def _found(args: Any, state: Any, model: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Options of the run that the trainer knows."""
    batch = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
    found: dict[str, Any] = {
        "total_steps": state.max_steps if state.max_steps > 0 else None,
        "initial_step": state.global_step,
        "batch_size": batch,
        "precision": "bf16" if args.bf16 else "fp16" if args.fp16 else None,
        "name": getattr(args, "run_name", None) or None,
    }
    config: Any = getattr(model, "config", None)
    if "model" not in given and hasattr(config, "to_json_string"):
        folder = Path(args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / CONFIG_FILE
        from footprint.reports.files import write_new

        write_new(file, config.to_json_string(use_diff=False), overwrite=True)
        found["model"] = str(file.absolute())
    return found


__getattr__ = lazy("FootprintCallback", _make_class, __name__)
