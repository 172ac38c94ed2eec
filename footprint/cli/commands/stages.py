"""Count what aligning a model takes: SFT, reward model, PPO, DPO, GRPO, pass by pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from footprint.cli.shared.formats import answer_options, show
from footprint.cli.shared.options import COUNT
from footprint.cli.shared.scenario_options import field_option

if TYPE_CHECKING:
    from pathlib import Path

_EPILOG = """\b
Examples:
  footprint stages --model gpt3-175b --stage sft
  footprint stages --model gpt3-175b --stage ppo-ptx --helper gpt3-6.7b
  footprint stages --model llama3.1-8b --stage dpo --samples 60k
  footprint stages --model gpt2 --stage grpo --samples 10k --seq-len 1024

The exact count includes attention; the rule of thumb (6 N, 2 N) stands beside it.
"""


@click.command(epilog=_EPILOG)
@field_option("model", required=True, help="The model that is aligned.")
@click.option("--stage", required=True, metavar="NAME", help="sft, reward-model, ppo, ppo-ptx, dpo, grpo.")
@click.option("--helper", metavar="NAME", help="The value and reward model (one of the same size).")
@click.option("--samples", type=COUNT, metavar="NUMBER", help="Demonstrations, pairs or episodes.")
@field_option("seq_len", help="Tokens of a sequence (2048).")
@answer_options("stages")
def command(
    model: str,
    stage: str,
    helper: str | None,
    samples: float | None,
    seq_len: int | None,
    format_: str | None,
    output: Path | None,
    overwrite: bool,
    **_: Any,
) -> None:
    """Count the FLOP of one stage of alignment.

    A stage says which model trains, samples or scores how many sequences. Samples and lengths are
    InstructGPT's where none are given.
    """
    from footprint.catalog.version import versions
    from footprint.errors import FootprintError
    from footprint.reports.formats import Answer
    from footprint.results.report_columns import signed_cells
    from footprint.serving.stages import stages

    try:
        result = stages(model, stage, samples=samples, seq_len=seq_len, helper=helper)
    except FootprintError as error:
        if "tgt_seq_len" in error.fields:
            raise FootprintError("stages count decoders, and an encoder-decoder is none") from None
        raise

    def text() -> str:
        from footprint.reports.decisions.stages_text import render

        return render(result)

    def table() -> list[dict[str, Any]]:
        return [signed_cells(one, (), versions()) for one in result.to_json()["passes"]]

    answer = Answer(
        kind="stages", text=text, data=result.to_json, table=table,
        schema=result.schema, subject=result,
    )  # fmt: skip
    show(answer, format_, output, overwrite=overwrite)
