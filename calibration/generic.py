"""How far a model of which only a size is known is from one that is known.

    python -m calibration.generic            # derive, and compare with the shipped file
    python -m calibration.generic --write    # write reference_data/assumptions/generic_fitted.toml

The shape: depth over parameters of the catalogue's decoders, and their median vocabulary. The spreads:
each text model of the catalogue as it is, over a generic decoder of as many parameters, or of as many FLOP a
token, on the same tokens: FLOPs, and predicted time of a step on several clusters. A token of an
encoder-decoder meets half of the parameters, so such models count for FLOP a token alone. `accuracy` compares
the generic decoder and the typical MFU with every published step time.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calibration.tables import Fitted, text_of
from footprint.catalog import assumptions
from footprint.catalog.__main__ import main as write_indices
from footprint.catalog.files import reference_folder
from footprint.catalog.hardware import parse_cluster
from footprint.catalog.models import all_models
from footprint.errors import FootprintError
from footprint.estimator.resolve.generic import decoder_of, decoder_of_flop
from footprint.flops import StepFlops, count_step
from footprint.performance.predict import predict_raw, work_of
from footprint.performance.step_facts import typical_mfu
from footprint.schema import Cluster, StepShape, TrainingMethod
from footprint.validation.published.throughput import countable_cases

PATH = reference_folder() / "assumptions" / "generic_fitted.toml"
CLUSTERS = (
    ("v100:8", "fp16", 2020),
    ("a100:64", "bf16", 2022),
    ("h100:8", "bf16", 2025),
    ("h100:512", "bf16", 2025),
)
LENGTH, TOKENS = 2048, 2**22
"""Of the step on which models are compared; shorter where a model has fewer positions."""
IMAGES, PIXELS = 8192, 224
KINDS = ("decoder", "encoder", "mixture-of-experts", "encoder-decoder")
SHAPED = ("decoder", "mixture-of-experts")


@dataclass(frozen=True, slots=True)
class Pair:
    """A model over the generic decoder that stands for it."""

    kind: str
    flop: float
    time: float
    time_of_flop: float
    """The same where the FLOPs are known, and nothing else."""


def decoders() -> Iterator[tuple[float, int, int]]:
    """Active parameters, layers and vocabulary of each decoder that was trained from scratch."""
    for model in all_models():
        config = model.config
        layers = config.get("num_hidden_layers") or config.get("n_layer") or config.get("n_layers")
        if not layers or "vocab_size" not in config or (model.recipe and model.recipe.method != "pretrain"):
            continue
        try:
            step = count_step(config, StepShape(sequences=1, sequence_length=LENGTH))
        except FootprintError:
            continue
        if step.family in SHAPED and config["vocab_size"] > 1000:  # words, not letters
            yield float(step.parameters.active), layers, config["vocab_size"]


def pairs() -> Iterator[Pair]:
    """Every text model of the catalogue on every cluster where both have a layout."""
    training = TrainingMethod(attention="flash")
    for model in all_models():
        if model.config.get("model_type") == "albert":
            continue  # one layer's parameters in all layers: their number says nothing of the work
        most = model.config.get("max_position_embeddings") or model.config.get("n_positions") or LENGTH
        length = min(LENGTH, most) if isinstance(most, int) else LENGTH
        shape = StepShape(sequences=TOKENS // length, sequence_length=length)
        step = _counted(model.config, shape, training)
        if step is None:
            continue
        if not step.tokens or step.operations is None or step.family not in KINDS:
            continue
        total, active = float(step.parameters.total), float(step.parameters.active)
        experts = active < 0.95 * total
        both = step.target_tokens is not None
        kind = "encoder-decoder" if both else "experts" if experts else step.family
        like = count_step(decoder_of(total, active if experts else None), shape, training)
        flop = float(step.training_flop)
        same = count_step(decoder_of_flop(flop / float(step.tokens), length), shape, training)
        for name, precision, year in CLUSTERS:
            cluster, _ = parse_cluster(name)
            own, other, third = (seconds(one, cluster, precision, year) for one in (step, like, same))
            if own is not None and other is not None and third is not None:
                yield Pair(kind, flop / float(like.training_flop), own / other, own / third)


def _counted(config: Mapping[str, Any], shape: StepShape, training: TrainingMethod) -> StepFlops | None:
    """The step of a text model on as many tokens, half of them targets where it writes; None for others."""
    half = (shape.sequence_length or 2) // 2
    for one in (shape, replace(shape, sequence_length=half, target_sequence_length=half)):
        try:
            return count_step(config, one, training)
        except FootprintError:
            continue
    return None


def samples() -> Iterator[float]:
    """Predicted time of each image model of the catalogue over that of its FLOPs at a typical MFU."""
    for model in all_models():
        try:
            step = count_step(model.config, StepShape(sequences=IMAGES, image_size=PIXELS))
        except FootprintError:
            continue
        if step.tokens:
            continue
        for name, precision, year in CLUSTERS:
            cluster, _ = parse_cluster(name)
            own = seconds(step, cluster, precision, year)
            rate = cluster.count * cluster.accelerator.peak_flop_per_s[precision]
            typical = typical_mfu(precision, year, cluster).value
            if own is not None:
                yield own * rate * typical / float(step.training_flop)


def seconds(step: StepFlops, cluster: Cluster, precision: str, year: int) -> float | None:
    """Predicted time of a step [s]; None where it does not fit."""
    if step.operations is None or step.shape is None:
        return None
    raw = predict_raw(
        work_of(step.operations, step.training), cluster, precision, year, flash=True,
        sequence_length=float(step.shape.sequence_length or 0),
    )  # fmt: skip
    return raw.seconds if raw.fits else None


def accuracy() -> dict[str, list[float]]:
    """Log errors of the two ways against published step times, by rule and kind of model."""
    found: dict[str, list[float]] = {}
    for case, _, flop in countable_cases():
        step = count_step(case.config, case.shape, case.training, case.objective)
        if case.scope != "step" or case.sealed or not step.tokens:
            continue
        total, active = float(step.parameters.total), float(step.parameters.active)
        experts = active < 0.95 * total
        tokens = float(step.tokens)
        shape = replace(
            case.shape, sequences=tokens / (case.shape.sequence_length or 1), target_sequence_length=None,
            predicted_positions=None,
        )  # fmt: skip
        rate = (
            case.cluster.count * case.cluster.accelerator.peak_flop_per_s[case.precision]
            * typical_mfu(case.precision, case.year, case.cluster).value
        )  # fmt: skip
        like = count_step(decoder_of(total, active if experts else None), shape, case.training)
        same = count_step(
            decoder_of_flop(flop / tokens, case.shape.sequence_length or LENGTH), shape, case.training
        )
        times = {
            "parameters, typical MFU": 6 * active * tokens / rate,
            "FLOP a token, typical MFU": flop / rate,
        }
        for name, one in (("parameters", like), ("FLOP a token", same)):
            if one.operations is not None:
                raw = predict_raw(
                    work_of(one.operations, case.training), case.cluster, case.precision, case.year,
                    flash=case.training.fuses_attention,
                    sequence_length=float(case.shape.sequence_length or 0),
                )  # fmt: skip
                times[f"{name}, generic decoder"] = raw.seconds
        for rule, time in times.items():
            key = f"{rule}, {'experts' if experts else step.family}"
            found.setdefault(key, []).append(math.log(time / case.measured_s))
    return found


def shape_rows() -> Iterator[Fitted]:
    """The numbers of the shape."""
    known = list(decoders())
    sizes = np.log([size for size, _, _ in known])
    depths = np.log([layers for _, layers, _ in known])
    slope, start = np.polyfit(sizes, depths, 1)
    apart = depths - start - slope * sizes
    low, high = (math.exp(start + float(np.quantile(apart, end))) for end in (0.05, 0.95))
    note = f"{len(known)} decoders; layers = depth x parameters^depth_exponent"
    yield "depth", math.exp(start), low, high, "layers", note
    yield "depth_exponent", slope, slope, slope, "1", note
    words = [float(words) for _, _, words in known]
    low, high = (float(np.quantile(words, end)) for end in (0.05, 0.95))
    yield (
        "vocabulary",
        64.0 * round(statistics.median(words) / 64),
        low,
        high,
        "words",
        f"median of {len(words)}",
    )


def spread_rows() -> Iterator[Fitted]:
    """The spreads: around 1, but for samples, whose typical MFU is that of other work."""
    known = list(pairs())
    kinds = sorted({pair.kind for pair in known})
    for name, field, of in (
        ("flop_dense", "flop", ("decoder", "encoder")),
        ("flop_experts", "flop", ("experts",)),
        ("time_dense", "time", ("decoder", "encoder")),
        ("time_experts", "time", ("experts",)),
        ("time_of_flop", "time_of_flop", kinds),
    ):
        groups = [[getattr(pair, field) for pair in known if pair.kind == kind] for kind in of]
        low = min(float(np.quantile(values, 0.05)) for values in groups)
        high = max(float(np.quantile(values, 0.95)) for values in groups)
        note = f"{sum(map(len, groups))} pairs; the widest of {', '.join(of)}"
        yield name, 1.0, min(1.0, low), max(1.0, high), "1", note
    images = list(samples())
    low, middle, high = (float(np.quantile(images, share)) for share in (0.05, 0.5, 0.95))
    note = f"{len(images)} pairs of an image model and its FLOPs at a typical MFU"
    yield "time_of_sample", middle, low, high, "1", note


def render() -> str:
    """The text of the file."""
    head = ("Written by `python -m calibration.generic --write`; never by hand.", "Ends bound 90 %.")
    rows = (row for part in (shape_rows, spread_rows) for row in part())
    return text_of(head, rows, "catalogue-shapes", 6)


def summary(errors: Sequence[float]) -> str:
    """Median error, and the factor that holds 90 % of the rows."""
    apart = np.abs(errors)
    median, most = math.expm1(np.median(apart)), math.exp(np.quantile(apart, 0.9))
    return f"{len(errors)} rows, median {median:.1%}, 90 % within {most:.2f}x"


def main(arguments: list[str] | None = None) -> int:
    """Derive, and compare with the shipped file or write it; 1 where it is not what the catalogue gives."""
    parser = argparse.ArgumentParser(
        prog="python -m calibration.generic", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    if options.write:
        # The shape first: the spreads rest on it.
        for _ in range(2):
            PATH.write_text(render(), encoding="utf-8")
            write_indices()
            assumptions.forget()

    apart = render() != PATH.read_text("utf-8")
    print("the shipped file is not what the catalogue gives" if apart else "as shipped")
    for rule, errors in sorted(accuracy().items()):
        print(f"{rule}: {summary(errors)}")
    return int(apart)


if __name__ == "__main__":
    sys.exit(main())
