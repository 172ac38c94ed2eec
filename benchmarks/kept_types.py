"""What a survey of model types found, kept in model_types.json until what it depends on changes."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
from pathlib import Path
from typing import Any

from calibration.inputs import ROOT, bare_code

KEPT = Path(__file__).with_name("model_types.json")
Found = dict[str, dict[str, Any]]
"""What was found of each type: ``forward_flop`` and ``traced``, or the ``reason`` why it is not counted."""
COUNTING = ("torch/depth", "torch/dummy_inputs", "torch/modal_inputs", "torch/torch_counter", "torch/whole")
"""The code that builds a type, runs it and counts; a type that it refuses depends on nothing else."""


@functools.cache
def state(*, counted: bool) -> str:
    """The digest of what a result depends on: the libraries, what counts and, if counted, what traces."""
    flops = ROOT / "footprint" / "flops"
    paths = [Path(__file__).with_name("type_attempts.py"), *(flops / f"{name}.py" for name in COUNTING)]
    if counted:
        paths += [flops / "torch" / "traced.py", *sorted((flops / "trace").glob("*.py"))]
    versions = [importlib.metadata.version(name).partition("+")[0] for name in ("torch", "transformers")]
    return hashlib.sha256("\n".join([*versions, *map(bare_code, paths)]).encode()).hexdigest()[:16]


def is_new(result: dict[str, Any]) -> bool:
    """Whether the present libraries and the present code found this."""
    return bool(result.get("state") == state(counted="forward_flop" in result))


def kept() -> Found:
    """The results of earlier surveys."""
    return dict(json.loads(KEPT.read_text("utf-8"))) if KEPT.is_file() else {}


def keep(found: Found) -> None:
    """Write the results, one a line."""
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(found[name])}" for name in sorted(found))
    KEPT.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
