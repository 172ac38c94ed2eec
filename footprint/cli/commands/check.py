"""Check your own hardware profile, model file, config.json, site or price list."""

from __future__ import annotations

from pathlib import Path

import click

from footprint.catalog.version import headed
from footprint.cli.shared.formats import format_option, show
from footprint.plain_text import in_line
from footprint.schema import ModelConfig

FOLDERS = {"hardware": "hardware_profiles", "model": "models", "site": "sites"}
_EPILOG = """\b
Examples:
  footprint check my-chip.toml
  footprint check my-prices.csv
  footprint check config.json --format json

Files in the user folder are found by name like built-in ones:
FOOTPRINT_DATA/hardware_profiles/*.toml and FOOTPRINT_DATA/models/*.toml.
"""


def _require_countable(model: ModelConfig) -> None:
    """Count the FLOPs of one step, so that an error in the config is raised."""
    from footprint.errors import FootprintError
    from footprint.flops import count_step
    from footprint.schema import StepShape

    first: FootprintError | None = None
    text, pair, image = {"sequence_length": 16}, {"sequence_length": 16, "target_sequence_length": 16}, 224
    for sizes in (text, pair, {"image_size": image}, {}):
        try:
            count_step(model.config, StepShape(sequences=1, **sizes))
            return
        except FootprintError as error:
            first = first or error
    if first is not None:
        raise first


@click.command(epilog=_EPILOG)
@click.argument("file", type=click.Path(path_type=Path))
@format_option("check")
def command(file: Path, format_: str) -> None:
    """Check FILE and print its kind and name. Exit code 2: a message names the wrong field."""
    from dataclasses import asdict

    from footprint.catalog.checks.check import check_file
    from footprint.catalog.files import user_folder
    from footprint.reports.formats import Answer
    from footprint.results.human import folded

    kind, record, remarks = check_file(file)
    if isinstance(record, ModelConfig):
        _require_countable(record)
    name = f"{record.name} ({record.id})" if hasattr(record, "id") else record.name
    lines = [f"{file}: a valid {kind} file: {name}"]
    lines += [f"  remark: {remark}" for remark in remarks]
    if kind == "prices":
        lines.append(f"  to use it: --provider {file}")
    else:
        lines.append(f"  to use it by name, put it into {user_folder() / FOLDERS[kind]}")
    text = "\n".join(map(in_line, lines))
    row = {"file": str(file), "ok": True, "record": asdict(record), "remarks": list(remarks)}
    data = {**headed("footprint/catalogue/1"), "kind": kind, "rows": [row]}
    show(Answer(kind="check", text=lambda: folded(text), data=lambda: data), format_)
