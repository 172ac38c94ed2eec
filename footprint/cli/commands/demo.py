"""Train a small real model here and compare prediction, forecast and measurement."""

from __future__ import annotations

from pathlib import Path

import click

from footprint.cli.shared.options import Renamed
from footprint.cli.shared.say import say
from footprint.cli.shared.scenario_options import field_option

_EPILOG = """\b
Examples:
  footprint demo
  footprint demo --data digits --region FRA
  footprint demo --steps 100 -o my-demo

It takes at most two minutes on two cores and needs torch: pip install 'footprint-ml[torch]'.
"""


@click.command(epilog=_EPILOG)
@click.option("--data", type=click.Choice(["text", "digits"]), default="text", help="Training data.")
@click.option(
    "-o", "--output", "out", cls=Renamed, older=("--out",), type=click.Path(path_type=Path),
    default=Path("footprint-demo"), help="Folder of the output files (./footprint-demo).",
)  # fmt: skip
@click.option("--steps", type=click.IntRange(10, 100_000), help="Steps (as many as fit in a minute).")
@click.option("--threads", type=click.IntRange(1, 64), default=1, help="Processor threads that train.")
@field_option("region", help="Where the electricity comes from.")
def command(data: str, out: Path, steps: int | None, threads: int, region: str | None) -> None:
    """Train a small GPT (or a CNN) on real data while it is measured."""
    from footprint.demo.show import show

    show(data, out, steps=steps, threads=threads, region=region, say=say)
