"""Write any PyTorch module as an operation file, which other commands take as a model."""

from __future__ import annotations

from pathlib import Path

import click

from footprint.cli.shared.options import FILE
from footprint.cli.shared.say import note, say

_EPILOG = """\b
Examples:
  footprint trace my_model:vision -o model.ops.json
  footprint flops --model model.ops.json
  footprint estimate --model model.ops.json --hw h100:8 \\
      --batch-size 256 --samples 10M

\b
my_model.py holds the function, which returns a module and its inputs:
  def vision():
      return MyModel(), torch.zeros(4, 3, 224, 224)

Inputs are a tensor, a tuple, or a dictionary of arguments. The module is built
and run without data, so a 70B model needs no memory for its weights.
Only this command needs torch.
"""


@click.command(epilog=_EPILOG)
@click.argument("target", metavar="MODULE:FUNCTION")
@click.option("-o", "--output", type=FILE, help="Write the operation file; else it is printed.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
def command(target: str, output: Path | None, overwrite: bool) -> None:
    """Trace any PyTorch module: every product with its shape and weight.

    The operation file can be given wherever a model's name or config can: time, memory, layout, energy and
    cost follow from it as they do from a formula.
    """
    from footprint.estimator.modules import text_of, traced_function

    if output is not None and output.suffix.lower() not in ("", ".json"):
        raise click.UsageError(f"{output}: an operation file is JSON; end its name in .json")
    traced = traced_function(target)
    text = text_of(traced)
    if output is None:
        say(text)
    else:
        from footprint.reports.files import write_new

        write_new(output, text, overwrite=overwrite)
        note(f"wrote {output}: {traced.said}")
    for remark in traced.remarks:
        note(remark)
