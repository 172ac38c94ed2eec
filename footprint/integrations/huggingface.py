"""Hugging Face ``Trainer``: ``attach(trainer, region="FRA")`` before ``trainer.train()``.

It counts steps and samples (tokens, where the trainer counts them), records evaluation as a phase,
forecasts from the first step on, and adds ``footprint/...`` metrics to every log of the trainer.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from footprint.integrations.pretrained import attention_of, config_file, lengths_of, method_of
from footprint.integrations.training import Loop, compose, harmless, lazy, load
from footprint.vocabulary import SIXTEEN_BIT


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
            callback.begin()
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
        self._waiting: tuple[Any, dict[str, Any]] | None = None
        """The hook that sees the first batch, and what is known of a run that it will begin."""

    def begin(self) -> None:
        """Begin the run that waits for its first batch, if one does."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            with harmless():
                waiting[0].remove()
            self.loop.start(**waiting[1])

    def _wait_for_batch(self, model: Any, found: dict[str, Any]) -> bool:
        """Whether the first batch will say how long sequences are: no other part of a trainer knows."""
        if self.loop.options.get("seq_len") is not None or not hasattr(model.config, "vocab_size"):
            return False

        def first_batch(module: Any, arguments: Any, named: Any) -> None:
            if module.training and self._waiting is not None:
                with harmless():
                    self._waiting[1].update(lengths_of(module.config, arguments, named))
                self.begin()

        self._waiting = (model.register_forward_pre_hook(first_batch, with_kwargs=True), found)
        return True

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._tokens = float(getattr(state, "num_input_tokens_seen", 0) or 0)
        found: dict[str, Any] = {}
        with harmless():
            found = _found(args, state, kwargs.get("model"), self.loop.options)
            if "model" in found and self._wait_for_batch(kwargs["model"], found):
                return
        self.loop.start(**found)
        self.loop.watch_module(args.process_index, args.world_size)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.begin()
        seen = float(getattr(state, "num_input_tokens_seen", 0) or 0)
        tokens, self._tokens = (seen - self._tokens) / max(1, args.world_size), seen
        samples = args.train_batch_size * args.gradient_accumulation_steps
        optimizer = kwargs.get("optimizer")
        if self.loop.step(max(0.0, tokens), samples, [] if optimizer is None else [optimizer]):
            control.should_training_stop = control.should_save = True

    def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.begin()
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
            self.loop.log(logs.get("loss"))
            logs.update(metrics)
        if state.log_history:
            state.log_history[-1].update(metrics)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.begin()
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
        "precision": _precision(args, model),
        "recompute": "full" if getattr(args, "gradient_checkpointing", False) else None,
        "optimizer": _optimizer(str(getattr(args.optim, "value", args.optim))),
        "name": getattr(args, "run_name", None) or None,
    }
    config: Any = getattr(model, "config", None)
    if "model" not in given and hasattr(config, "to_json_string"):
        found["model"] = config_file(config, Path(args.output_dir))
        found |= method_of(model) | attention_of(model)
    return found


def _precision(args: Any, model: Any) -> str | None:
    """Number format of the matrix products; None on devices whose own format we do not know."""
    for name in SIXTEEN_BIT:
        if getattr(args, name, False):
            return name
    held = {"torch.bfloat16": "bf16", "torch.float16": "fp16"}.get(str(getattr(model, "dtype", "")))
    if held is not None or str(args.device).partition(":")[0] not in ("cpu", "cuda"):
        return held
    return "tf32" if getattr(args, "tf32", False) else "fp32"


def _optimizer(name: str) -> str | None:
    """Our name of an optimiser of the trainer's; None for one that we do not know."""
    if name.startswith(("adamw_bnb_8bit", "adamw_8bit", "paged_adamw_8bit")):
        return "adam8bit"
    family = name.removeprefix("paged_").partition("_")[0]
    return family if family in ("adamw", "adafactor", "adagrad", "sgd", "lion") else None


__getattr__ = lazy("FootprintCallback", _make_class, __name__)
