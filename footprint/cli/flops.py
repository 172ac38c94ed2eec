"""FLOPs of one training step: forward, backward, by component, with torch's count beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footprint.cli._options import FILE, MODEL, WHOLE, write_output

if TYPE_CHECKING:
    from pathlib import Path

    from footprint.flops.memory import Memory
    from footprint.schema import ModelConfig, Phase, StepShape, TrainingMethod

_EPILOG = """\b
Examples:
  footprint flops --model bert-base
  footprint flops --model llama3.1-405b --seq-len 8192 --recompute full
  footprint flops --model config.json --seq-len 2048 --method lora
  footprint flops --model t5-base --seq-len 512 --tgt-seq-len 114 --verify
  footprint flops --model gpt2 --format json

FLOP counts a multiply-add as 2. "training" is forward and backward with full
attention, "as executed" adds recomputation. --verify needs torch and transformers.
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--model", type=MODEL, metavar="NAME|FILE", required=True, help="A built-in model or config.json."
)
@click.option(
    "--batch-size", type=WHOLE, metavar="INTEGER", default=1, help="Sequences or images of the step (1)."
)
@click.option("--seq-len", type=WHOLE, metavar="INTEGER", help="Tokens a sequence (the recipe's).")
@click.option("--tgt-seq-len", type=WHOLE, metavar="INTEGER", help="Target tokens a sequence.")
@click.option("--image-size", type=WHOLE, metavar="INTEGER", help="Pixels a side.")
@click.option(
    "--predicted-positions", type=WHOLE, metavar="INTEGER", help="Positions that reach the vocabulary."
)
@click.option("--document-length", type=float, metavar="NUMBER", help="Mean length of packed documents.")
@click.option("--objective", default=None, metavar="NAME", help="mlm, mlm+nsp, clm, classification, ...")
@click.option("--method", type=click.Choice(["pretrain", "finetune", "lora", "qlora"]), default="pretrain")
@click.option("--lora-rank", type=WHOLE, metavar="INTEGER", default=16, help="Rank of the adapters (16).")
@click.option("--lora-targets", metavar="NAMES", help="Adapted projections, comma-separated.")
@click.option("--frozen", metavar="NAMES", help="Frozen parts: embeddings, encoder, layers:0-11, ...")
@click.option("--recompute", type=click.Choice(["none", "selective", "full"]), default="none")
@click.option("--attention", type=click.Choice(["flash", "eager"]), default="eager")
@click.option("--precision", default="bf16", metavar="NAME", help="For the memory of the step (bf16).")
@click.option("--optimizer", default="adam", metavar="NAME", help="For the memory of the step (adam).")
@click.option("--dp", type=WHOLE, metavar="INTEGER", default=1, help="Data-parallel size.")
@click.option("--tp", type=WHOLE, metavar="INTEGER", default=1, help="Tensor-parallel size.")
@click.option("--pp", type=WHOLE, metavar="INTEGER", default=1, help="Pipeline-parallel size.")
@click.option("--zero", type=click.IntRange(0, 3), default=0, help="ZeRO stage.")
@click.option("--micro-batches", type=WHOLE, metavar="INTEGER", default=1, help="Gradient accumulation.")
@click.option("--verify", is_flag=True, help="Count with torch, too, and print both.")
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table")
@click.option("-o", "--output", type=FILE, help="Write to a file.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
def command(
    model: str,
    format_: str,
    output: Path | None,
    overwrite: bool,
    verify: bool,
    objective: str | None,
    **options: Any,
) -> None:
    """Count the FLOPs of one training step, exactly.

    From a Hugging Face config or a built-in model: parameters, forward, backward and training
    FLOPs a step, sample and token, model and hardware, full and causal, by component.
    """
    from footprint.catalog.models import find_model
    from footprint.flops import count_step
    from footprint.flops.compare import stated_warning

    found = find_model(model)
    phase = found.recipe.phases[0] if found.recipe is not None and found.recipe.phases else None
    shape = _shape(options, phase)
    wanted = (
        objective if objective is not None else (found.recipe.objective if found.recipe is not None else "")
    )
    training = _training(options)
    step = count_step(found.config, shape, training, wanted)
    warning = stated_warning(step, found.parameters)
    proof = None
    if verify:
        from footprint.flops.verify import verify as prove

        proof = prove(found.config, shape, wanted)
    parts: dict[str, Any] = {
        "memory": _memory(found, shape, training, wanted, options) if step.basis == "formula" else None,
        "proof": proof,
        "warnings": (warning,) if warning else (),
    }
    if format_ == "json":
        import json

        from footprint.reports.flops_text import to_json

        text = json.dumps(to_json(found.name, step, **parts), indent=2)
    else:
        from footprint.reports.flops_text import render

        text = render(found.name, step, **parts)
    write_output(text, output, overwrite=overwrite)


def _shape(options: dict[str, Any], phase: Phase | None) -> StepShape:
    """The step that is asked for; lengths that are not given are the recipe's."""
    from footprint.schema import StepShape

    given = {
        "sequence_length": options["seq_len"],
        "target_sequence_length": options["tgt_seq_len"],
        "image_size": options["image_size"],
        "predicted_positions": options["predicted_positions"],
    }
    if phase is not None:
        same_length = given["sequence_length"] in (None, phase.sequence_length)
        for name, value in given.items():
            if value is None and (name != "predicted_positions" or same_length):
                given[name] = getattr(phase, name)
    return StepShape(sequences=options["batch_size"], document_length=options["document_length"], **given)


def _training(options: dict[str, Any]) -> TrainingMethod:
    from footprint.schema import TrainingMethod

    def names(text: str | None) -> tuple[str, ...]:
        return tuple(part.strip() for part in (text or "").split(",") if part.strip())

    return TrainingMethod(
        method=options["method"],
        lora_rank=options["lora_rank"],
        lora_targets=names(options["lora_targets"]),
        frozen=names(options["frozen"]),
        recompute=options["recompute"],
        attention=options["attention"],
    )


def _memory(
    model: ModelConfig, shape: StepShape, training: TrainingMethod, objective: str, options: dict[str, Any]
) -> Memory:
    from footprint.flops.count import operation_list
    from footprint.flops.memory import Plan, memory
    from footprint.flops.methods import prepare

    prepared, trained = prepare(operation_list(model.config, shape, objective), training)
    plan = Plan(
        data=options["dp"],
        tensor=options["tp"],
        pipeline=options["pp"],
        zero=options["zero"],
        micro_batches=options["micro_batches"],
    )
    return memory(
        prepared,
        trained,
        plan,
        precision=options["precision"],
        optimizer=options["optimizer"],
        recompute=training.recompute,
        attention=training.attention,
        quantised=training.method == "qlora",
    )
