"""The demo itself: predict, train, measure, and put the two beside each other."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from footprint.errors import FootprintError
from footprint.flops import count_step
from footprint.results.human import amount, figures, interval
from footprint.schema import StepShape
from footprint.tracking.run.run import Run
from footprint.units import SECONDS_PER_HOUR

TARGET_S = 70.0
"""The training takes about this long; the whole demo less than two minutes on two cores."""
LEAST_STEPS = 40
FLUSH_S = 0.5


@dataclass(slots=True)
class Task:
    """What is trained: a config, a module, its data, and how it is judged."""

    name: str
    config: dict[str, Any]
    shape: StepShape
    parts: Any
    forward: Callable[[Any], Any]
    more: Callable[[], tuple[Any, Any]]
    judge: Callable[[], str]
    most_steps: int = 400
    tokens_per_step: int = 0
    request: dict[str, Any] = field(default_factory=dict)

    def loss(self) -> Any:
        """The loss of the next batch, with its graph."""
        from torch.nn.functional import cross_entropy

        inputs, targets = self.more()
        return cross_entropy(self.forward(inputs).flatten(0, -2).float(), targets.flatten())


def language_task(device: str) -> Task:
    """The GPT on prose."""
    import torch

    from footprint.demo import language

    text = language.corpus()
    small = device == "cpu"
    config = {
        **(language.CONFIG if small else language.GPU_CONFIG),
        "vocab_size": len(language.vocabulary(text)),
    }
    batch = language.BATCH if small else language.GPU_BATCH
    torch.manual_seed(0)
    parts, forward = language.build(config, device)
    length = config["n_positions"]
    return Task(
        name=f"GPT of {config['n_layer']} layers on {len(text):,} characters of Python's own help texts",
        config=config,
        shape=StepShape(sequences=batch, sequence_length=length),
        parts=parts,
        forward=forward,
        more=language.batches(text, config, batch, device),
        judge=lambda: "it writes: " + " ".join(language.sample(forward, config, text, device).split()),
        tokens_per_step=batch * length,
        request={"batch_size": batch, "seq_len": length},
    )


def digits_task(device: str) -> Task:
    """The CNN on digits."""
    import torch

    from footprint.demo import digits

    images, answers = digits.load()
    torch.manual_seed(0)
    parts, forward = digits.build(digits.CONFIG, device)
    return Task(
        name=f"residual CNN on {len(images):,} handwritten digits",
        config=digits.CONFIG,
        shape=StepShape(sequences=digits.BATCH, image_size=digits.SIDE),
        parts=parts,
        forward=forward,
        more=digits.batches(images, answers, device),
        judge=lambda: (
            f"it reads {digits.accuracy(parts, forward, images, answers, device):.0%} of unseen digits"
        ),
        most_steps=2500,
        request={"batch_size": digits.BATCH, "image_size": digits.SIDE},
    )


TASKS = {"text": language_task, "digits": digits_task}


def show(
    data: str, out: Path, *, steps: int | None, threads: int, region: str | None, say: Callable[[str], None]
) -> Path:
    """Run the demo; the folder with its report, journal and pictures.

    Raises:
        FootprintError: torch or the data set is not installed, or the folder cannot be written.
    """
    try:
        import torch
    except ImportError:
        raise FootprintError("the demo trains with torch: pip install 'footprint-ml[torch]'") from None
    torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FootprintError(f"{out}: cannot make the folder: {error.strerror or error}") from None
    task = TASKS[data](device)
    say(f"{task.name}, on {'this processor' if device == 'cpu' else torch.cuda.get_device_name(0)}")
    config_file = out / "config.json"
    config_file.write_text(json.dumps(task.config, indent=1), encoding="utf-8")
    _compare_flops(task, say)
    hw = _hardware(out, device, threads, say)
    steps = steps or _affordable_steps(task)
    return _train(task, config_file, hw, steps, out, region, say)


def _compare_flops(task: Task, say: Callable[[str], None]) -> None:
    """One step by formula and by torch's counter."""
    from torch.utils.flop_counter import FlopCounterMode

    formula = count_step(task.config, task.shape)
    with FlopCounterMode(display=False) as counter:
        task.loss().backward()
    task.parts.zero_grad()
    counted = counter.get_total_flops()
    parameters = sum(p.numel() for p in task.parts.parameters())
    say(f"parameters: {formula.parameters.total:,.0f} by formula, {parameters:,} in torch")
    difference = formula.training_flop / counted - 1
    equal = "equal" if difference == 0 else f"{difference:+.2%}"
    say(f"one step: {formula.training_flop:,.0f} FLOP by formula, {counted:,} by torch's counter ({equal})")


def _hardware(out: Path, device: str, threads: int, say: Callable[[str], None]) -> str:
    """The cluster to predict for: the catalogue's GPU, else this processor as it measures itself."""
    if device != "cpu":
        from footprint.tracking.process.detected_hardware import detect_hardware
        from footprint.tracking.process.identity import identify

        found, note = detect_hardware(identify({}))
        if found is None:
            raise FootprintError(note)
        return f"{found.rpartition(':')[0]}:1"
    from footprint.demo.machine import write_profile

    profile = write_profile(out / "this-machine.toml", threads)
    from footprint.catalog.hardware import find_accelerator

    peak = find_accelerator(str(profile)).peak_flop_per_s["fp32"]
    say(
        f"this machine multiplies matrices at {figures(peak / 1e9)} GFLOP/s on {threads} thread(s) (measured)"
    )
    return str(profile)


def _affordable_steps(task: Task) -> int:
    """Steps that fit the demo's time, from three of them."""
    task.loss().backward()
    before = time.perf_counter()
    for _ in range(3):
        task.loss().backward()
    each = (time.perf_counter() - before) / 3
    task.parts.zero_grad()
    return int(min(task.most_steps, max(LEAST_STEPS, TARGET_S / max(each, 1e-6))))


def _train(
    task: Task,
    config_file: Path,
    hw: str,
    steps: int,
    out: Path,
    region: str | None,
    say: Callable[[str], None],
) -> Path:
    import torch

    from footprint.tracking import track

    optimiser = torch.optim.AdamW(task.parts.parameters(), betas=(0.9, 0.95), weight_decay=0.01)
    losses: list[tuple[float, float]] = []
    run = track(
        model=str(config_file),
        hw=hw,
        region=region,
        total_steps=steps,
        csv=out / "runs.csv",
        journal_dir=out / "runs",
        flush_s=FLUSH_S,
        name=task.name.partition(" on ")[0],
        **task.request,
    )
    before = time.monotonic()
    with run:
        if run.estimate is not None:
            hours, energy = run.estimate.duration_h, run.estimate.energy_kwh
            say(f"predicted for {steps} steps: {_spoken(hours, 'h')}, {_spoken(energy, 'kwh')}")
        for step in range(steps):
            loss = task.loss()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(task.parts.parameters(), 1.0)
            for group in optimiser.param_groups:
                group["lr"] = _learning_rate(step, steps)
            optimiser.step()
            losses.append((time.monotonic() - before, loss.item()))
            run.log(loss=losses[-1][1])
            run.step(
                tokens=task.tokens_per_step, samples=0 if task.tokens_per_step else int(task.shape.sequences)
            )
            if step + 1 in (steps // 10, steps // 2):
                _say_forecast(run.forecast, step + 1, loss.item(), say)
    last = [value for _, value in losses[-20:]]
    say(f"loss {losses[0][1]:.2f} -> {sum(last) / len(last):.2f} in {steps} steps")
    say(task.judge())
    return _report(run, losses, out, say)


def _learning_rate(step: int, steps: int) -> float:
    """Ten steps of warm-up, and a straight fall to nothing over the last third."""
    return 3e-3 * min(1.0, (step + 1) / 10, (steps - step) / (0.3 * steps))


def _spoken(quantity: Any, unit: str) -> str:
    return f"{amount(quantity.mid, unit)} ({interval(quantity, unit)})"


def _say_forecast(forecast: Any, step: int, loss: float, say: Callable[[str], None]) -> None:
    if forecast is not None:
        say(f"step {step}, loss {loss:.2f}: forecast {_spoken(forecast.duration_h, 'h')} for the whole run")


def _report(run: Run, losses: list[tuple[float, float]], out: Path, say: Callable[[str], None]) -> Path:
    from footprint.demo import plots
    from footprint.reports.texts.run_text import run_text
    from footprint.tracking.report.archive import open_archive

    report = open_archive([out / "runs"]).report(run.run_id)
    say("")
    say(run_text(report.measurement, report.comparison, report.totals.forecasts))
    (process,) = report.totals.processes
    start = process.started_s
    series = {
        name: [(moment - start, kwh) for moment, kwh in points]
        for name, points in process.kwh.items()
        if len(points) > 1
    }
    moments = sorted({moment for points in series.values() for moment, _ in points})
    from footprint.tracking.totals.energy_series import value_at

    energy = [(m, sum(value_at(points, m) for points in series.values())) for m in moments]
    folder = out / "runs" / run.run_id
    made: list[Path] = []
    if energy:
        made += [
            plots.loss_against_energy(folder / "loss-against-energy.png", losses, energy),
            plots.power_over_time(folder / "power-over-time.png", series),
        ]
    if process.forecasts and run.estimate is not None:
        hours = run.estimate.duration_h
        truth_s = report.measurement.duration_h.mid * SECONDS_PER_HOUR
        predicted = (
            hours.low * SECONDS_PER_HOUR,
            hours.mid * SECONDS_PER_HOUR,
            hours.high * SECONDS_PER_HOUR,
        )
        path = folder / "forecast-against-truth.png"
        made.append(plots.forecast_against_truth(path, process.forecasts, truth_s, predicted))
    say("")
    for path in (*made, out / "runs.csv"):
        say(f"wrote {path}")
    return folder
