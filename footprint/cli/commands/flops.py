"""Count the FLOPs of one training step: forward, backward, by component; compare with torch's count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footprint.cli.shared.formats import answer_options, show
from footprint.cli.shared.options import WHOLE
from footprint.cli.shared.scenario_options import field_option

if TYPE_CHECKING:
    from pathlib import Path

    from footprint.flops import StepFlops
    from footprint.flops.schedule import RunFlops
    from footprint.performance.roofline.memory import Memory
    from footprint.results import Assumption
    from footprint.schema import ModelConfig, Phase, StepShape, TrainingMethod

_EPILOG = """\b
Examples:
  footprint flops --model bert-base
  footprint flops --model llama3.1-405b --seq-len 8192 --recompute full
  footprint flops --model config.json --seq-len 2048 --method lora
  footprint flops --model bert-base --schedule 900kx256x128,100kx256x512
  footprint flops --model llama2-7b --dp 8 --zero 3 --hw a100
  footprint flops --model t5-base --seq-len 512 --tgt-seq-len 114 --verify
  footprint flops --model gpt2 --format json

A multiply-add counts as 2 FLOP. "training" is forward and backward with full
attention, "as executed" adds recomputation. --verify needs torch and transformers.
Without --objective the recipe's objective or the family's usual one is counted and
verified; the "architectures" of a config are ignored.
"""


@click.command(epilog=_EPILOG)
@field_option("model", required=True, help="A built-in model or config.json.")
@field_option("batch_size", help="Sequences or images of the step (one a micro-batch of each replica).")
@field_option("seq_len", help="Tokens in one sequence (the first phase's).")
@field_option("tgt_seq_len", help="Target tokens in one sequence.")
@field_option("image_size")
@field_option(
    "predicted_positions", help="Positions per sequence that get logits (the recipe's share, else all)."
)
@field_option("document_length", help="Mean length of packed documents.")
@click.option(
    "--schedule",
    metavar="PHASES",
    help="Also count a whole run: STEPSxSEQUENCESxLENGTH,... (STEPSxIMAGES,...) or 'recipe'.",
)
@click.option("--objective", default=None, metavar="NAME", help="mlm, mlm+nsp, clm, classification, ...")
@field_option("method", default="pretrain")
@field_option("lora_rank")
@field_option("lora_targets", default="", metavar="NAMES")
@field_option("lora_dropout", default="none")
@field_option(
    "frozen", default="", metavar="NAMES", help="Frozen parts: embeddings, encoder, layers:0-11, ..."
)
@field_option("input_gradients", help="Adapters: gradients reach the embeddings, as recomputing needs.")
@field_option("recompute", default="none")
@field_option("attention", default="eager")
@click.option(
    "--precision", default="bf16", metavar="NAME", help="Number format, for the memory of the step (bf16)."
)
@click.option(
    "--optimizer", default="adam", metavar="NAME", help="Optimiser, for the memory of the step (adam)."
)
@field_option("dp", default=1)
@field_option("tp", default=1)
@field_option("pp", default=1)
@field_option("cp", default=1)
@field_option("ep", default=1)
@click.option("--zero", type=click.IntRange(0, 3), default=0, help="ZeRO stage.")
@field_option("micro_batch", type=WHOLE, help="Sequences that a replica handles at once (all of its batch).")
@click.option("--micro-batches", type=WHOLE, default=None, hidden=True)
@field_option("hw", metavar="NAME", help="Check whether the step fits into this accelerator.")
@click.option("--verify", is_flag=True, help="Also count with torch and print both.")
@answer_options("flops")
def command(
    model: str,
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    verify: bool,
    objective: str | None,
    **options: Any,
) -> None:
    """Count the FLOPs of one training step, exactly.

    Of a Hugging Face config or a built-in model: parameters, and forward, backward and training
    FLOPs a step, sample and token, model and hardware, full and causal, by component.
    """
    from footprint.catalog.models import find_model
    from footprint.estimator.resolve.defaults import adapted_row
    from footprint.flops import count_step
    from footprint.flops.checks import positions_warning, stated_warning

    found = find_model(model)
    recipe = found.recipe.phases if found.recipe is not None else ()
    options["micro_batches"] = _micro_batches(options)
    replicas = options["dp"] * options["micro_batches"]
    options["batch_size"] = options["batch_size"] or replicas * (options["micro_batch"] or 1)
    written = _written(options, recipe)
    shape = _shape(options, recipe, written)
    wanted = objective or (found.recipe.objective if found.recipe is not None and objective is None else "")
    training, assumptions = _training(options)
    step = count_step(found.config, shape, training, wanted)
    if step.tokens is None:
        _refuse_lengths(found.id, options, written)
    run = _run(found, training, wanted, options, written) if options["schedule"] else None
    shapes = [shape, *(one.shape for _, one in run.steps if one.shape)] if run is not None else [shape]
    longest = max(each.sequence_length or 0 for each in shapes)
    target = max(each.target_sequence_length or 0 for each in shapes)
    remarks = (
        stated_warning(step, found.parameters),
        positions_warning(found.id, found.config, longest, target),
    )
    warnings = [text for text in remarks if text]
    if step.basis == "counted" and (verify or options["hw"]):
        warnings.append("torch counted this model: there is no formula count to verify, and no memory")
    proof = None
    if verify and step.basis == "formula":
        from footprint.flops.torch.torch_counter import CannotCountError, NoTorchError
        from footprint.flops.verify import verify as prove

        try:
            proof = prove(found.config, shape, wanted)
        except NoTorchError:
            raise
        except CannotCountError as error:  # the count is valid but not verified
            warnings.append(f"not verified: {error}")
    memory = None if step.basis == "counted" else _memory(step, options)
    parts: dict[str, Any] = {
        "memory": memory,
        "device": _device(options["hw"]),
        "run": run,
        "proof": proof,
        "assumptions": (*assumptions, *adapted_row(options["lora_targets"], step)),
        "warnings": tuple(warnings),
    }
    from footprint.reports.formats import Answer, fields_of
    from footprint.reports.texts.flops_text import SCHEMA, render, to_json

    answer = Answer(
        kind="flops",
        text=lambda: render(found.name, step, **parts),
        data=lambda: to_json(found.name, step, **parts),
        table=lambda: fields_of(to_json(found.name, step, **parts)),
        schema=SCHEMA,
        subject=step,
    )
    show(answer, format_, output, overwrite=overwrite)


def _micro_batches(options: dict[str, Any]) -> int:
    """How many micro-batches a replica adds up in a step."""
    size, count, batch = options["micro_batch"], options["micro_batches"], options["batch_size"]
    if size is not None and count is not None:
        raise click.UsageError("give --micro-batch or --micro-batches, not both")
    if size is None or batch is None:
        return count or 1
    if batch % (size * options["dp"]):
        raise click.UsageError(f"--batch-size {batch} is no multiple of --dp times --micro-batch {size}")
    return int(batch // (size * options["dp"]))


_LENGTHS = {
    "sequence_length": "seq_len", "target_sequence_length": "tgt_seq_len", "image_size": "image_size",
}  # fmt: skip
"""The options that give the sizes of a step."""


def _written(options: dict[str, Any], recipe: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """The phases of a written schedule; missing sizes come from the options."""
    from dataclasses import replace

    from footprint.flops.schedule import read_schedule

    if options["schedule"] in (None, "", "recipe"):
        return ()
    sizes = {name: options[option] for name, option in _LENGTHS.items()}
    if sizes["image_size"] is None and recipe:
        sizes["image_size"] = recipe[0].image_size
    return tuple(
        replace(phase, **{name: getattr(phase, name) or size for name, size in sizes.items()})
        for phase in read_schedule(options["schedule"])
    )


def _refuse_lengths(name: str, options: dict[str, Any], written: tuple[Phase, ...]) -> None:
    """Raise FootprintError for sequence lengths, which a model of images would ignore."""
    from footprint.errors import FootprintError

    for option in ("--seq-len", "--tgt-seq-len"):
        if options[option[2:].replace("-", "_")] is not None:
            raise FootprintError(f"{name} trains on images: leave out {option} (see --image-size)")
    if any(phase.sequence_length for phase in written):
        raise FootprintError(
            f"{name} trains on images, which have no length: write the --schedule as STEPSxIMAGES[,...] "
            "(see --image-size)"
        )


def _shape(options: dict[str, Any], recipe: tuple[Phase, ...], written: tuple[Phase, ...]) -> StepShape:
    """The shape of the step; missing sizes come from the first phase of the schedule or the recipe."""
    from footprint.flops.schedule import predicted_at
    from footprint.schema import StepShape

    given = {name: options[option] for name, option in _LENGTHS.items()}
    for name in given:
        for phases in (written, recipe):
            if given[name] is None and phases:
                given[name] = getattr(phases[0], name)
    return StepShape(
        sequences=options["batch_size"],
        predicted_positions=options["predicted_positions"] or predicted_at(recipe, given["sequence_length"]),
        document_length=options["document_length"],
        **given,
    )


def _training(options: dict[str, Any]) -> tuple[TrainingMethod, tuple[Assumption, ...]]:
    from footprint.estimator.resolve.defaults import adapter_rank
    from footprint.schema import TrainingMethod
    from footprint.vocabulary import ADAPTED

    adapters = options["lora_rank"] or options["lora_targets"] or options["lora_dropout"] != "none"
    if adapters and options["method"] not in ADAPTED:
        raise click.UsageError("--lora-rank, --lora-targets and --lora-dropout need --method lora or qlora")
    rank, assumptions = adapter_rank(options["lora_rank"], options["method"])
    same = ("method", "lora_targets", "lora_dropout", "frozen", "input_gradients", "recompute", "attention")
    return TrainingMethod(lora_rank=rank, **{name: options[name] for name in same}), assumptions


def _run(
    model: ModelConfig,
    training: TrainingMethod,
    objective: str,
    options: dict[str, Any],
    written: tuple[Phase, ...],
) -> RunFlops:
    """The whole run: the schedule that is given, or the model's own recipe.

    A given schedule predicts the same share of positions as the recipe.
    """
    from dataclasses import replace

    from footprint.flops.schedule import count_run, predicted_at

    if options["schedule"] == "recipe":
        from footprint.estimator.request import EstimateRequest
        from footprint.estimator.resolve.workload import resolve_workload

        # a request needs hardware, but the steps of a published recipe do not depend on it
        phases = resolve_workload(EstimateRequest(hw="any", model=model.id), model).phases
    else:
        own = model.recipe.phases if model.recipe is not None else ()
        phases = tuple(
            replace(phase, predicted_positions=predicted_at(own, phase.sequence_length)) for phase in written
        )
    if options["predicted_positions"] is not None:
        phases = tuple(replace(phase, predicted_positions=options["predicted_positions"]) for phase in phases)
    if options["document_length"] is not None:
        phases = tuple(replace(phase, document_length=options["document_length"]) for phase in phases)
    return count_run(model.config, phases, training, objective)


def _device(name: str | None) -> tuple[str, float, float] | None:
    """Name, memory [GiB] and usable memory [GiB] of an accelerator."""
    if name is None:
        return None
    from footprint.catalog.hardware import find_accelerator
    from footprint.performance.roofline.constants import load_constants
    from footprint.performance.roofline.memory import usable_of
    from footprint.units import BYTE_PER_GIB

    chip = find_accelerator(name)
    return chip.name, chip.memory_gib, usable_of(chip, load_constants()) / BYTE_PER_GIB


def _memory(step: StepFlops, options: dict[str, Any]) -> Memory:
    """Memory of the step on the layout of the options, with the techniques of the data's year."""
    from footprint.catalog.version import DATA_YEAR
    from footprint.errors import FootprintError
    from footprint.flops.passes.splits import no_room, too_many_stages, undivided, wrong_experts
    from footprint.performance.roofline.layout import Layout
    from footprint.performance.step_memory import step_memory

    assert step.operations is not None  # noqa: S101 - asked for steps counted by formula only
    wrong = (
        undivided(step.operations, options["tp"])
        or too_many_stages(step.operations, options["pp"])
        or wrong_experts(step.operations, options["ep"])
        or no_room(options["ep"], options["dp"] * options["cp"] * options["tp"])
        or _not_fed(step, options["dp"], options["micro_batches"])
    )
    if wrong:
        raise FootprintError(wrong)
    layout = Layout(
        **{name: options[name] for name in ("tp", "pp", "dp", "cp", "ep", "zero")},
        micro_batch=float(-(-step.samples // (options["dp"] * options["micro_batches"]))),
        recompute=step.training.recompute,
        flash=step.training.fuses_attention,
    )
    optimizer = _SAME_STATES.get(options["optimizer"], options["optimizer"])
    return step_memory(step, layout, precision=options["precision"], optimizer=optimizer, year=DATA_YEAR)


def _not_fed(step: StepFlops, replicas: int, micro_batches: int) -> str | None:
    """What to say of fewer sequences than there are micro-batches of replicas."""
    least = replicas * micro_batches
    if step.samples >= least:
        return None
    each = f" with {micro_batches} micro-batches each" if micro_batches > 1 else ""
    return (
        f"a batch of {step.samples:g} sequences cannot feed {replicas} data-parallel replicas{each}: "
        f"give `batch_size={least}` or more, or fewer replicas"
    )


_SAME_STATES = {"momentum": "sgd"}
"""Further names of optimisers: ``sgd`` includes momentum."""
