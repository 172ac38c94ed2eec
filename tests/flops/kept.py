"""What torch found of the small models, kept, and asked again where its question changed.

    python -m tests.flops.kept                    # ask torch what is missing, drop what nothing asks for
    FOOTPRINT_COUNT_ANEW=1 pytest tests/flops     # ask torch everything again

A question is a config, a step, the versions of torch and transformers, and the code that asks. Our own
numbers are made anew each time and held against the answer. What is not kept is asked on the spot.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

from calibration.inputs import ROOT, bare_code
from footprint.flops import verify as verification
from footprint.flops.torch.torch_counter import TorchCount, count_with_torch
from footprint.schema import StepShape

FLOPS = ROOT / "footprint" / "flops"
ANEW = "FOOTPRINT_COUNT_ANEW" in os.environ


def digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


class Kept:
    """Answers of torch in a file, by the digest of the question."""

    def __init__(self, name: str, code: Callable[[], list[Path]]) -> None:
        self.file, self._code = Path(__file__).with_name(name), code
        self.kept: dict[str, list[Any]] = {}
        if self.file.is_file() and not ANEW:
            self.kept = json.loads(self.file.read_text("utf-8"))
        self.asked: dict[str, list[Any]] = {}

    @functools.cached_property
    def environment(self) -> str:
        """The digest of what an answer depends on beside the question."""
        versions = [importlib.metadata.version(name).partition("+")[0] for name in ("torch", "transformers")]
        return digest([*versions, *(bare_code(path) for path in self._code())])

    def answer(self, name: str, question: Any, ask: Callable[[], list[Any]]) -> list[Any]:
        """What is kept for a question, else what ``ask`` returns."""
        key = f"{name}-{digest([question, self.environment])}"
        if key not in self.kept:
            self.kept[key] = ask()
        self.asked[key] = self.kept[key]
        return self.asked[key]

    def write(self) -> None:
        lines = ",\n".join(f'"{key}": {json.dumps(value)}' for key, value in sorted(self.asked.items()))
        self.file.write_text(f"{{\n{lines}\n}}\n", "utf-8")


def asking_torch() -> list[Path]:
    """The code that builds a model of transformers and runs it."""
    return [FLOPS / "torch" / f"{name}.py" for name in ("torch_counter", "dummy_inputs", "modal_inputs")]


def tracing() -> list[Path]:
    """The code that makes a list of operations from such a model, and its sums."""
    listed = [path for room in ("trace", "passes") for path in (FLOPS / room).glob("*.py")]
    return [*asking_torch(), FLOPS / "operations.py", *sorted(listed)]


COUNTS = Kept("small_counts.json", asking_torch)
"""Of torch's counter. What it runs is a model of transformers: nothing else of ours has a part in it."""
TRACES = Kept("small_traces.json", tracing)
"""Of the tracer, which is ours: no formula of a family has a part in it."""
PARAMETERS = Kept("model_parameters.json", lambda: [ROOT / "tests" / "catalog" / "models" / "test_counts.py"])
"""Of the classes of transformers, for the models of the catalogue."""


def small_count(
    config: Mapping[str, Any], shape: StepShape, objective: str = "", *, run: Any = None
) -> TorchCount:
    """Stands for ``count_with_torch``."""

    def ask() -> list[Any]:
        # A copy: some config classes write into the tables they are given.
        count = count_with_torch(deepcopy(dict(config)), shape, objective, run=run)
        return [count.forward_flop, count.backward_flop, count.parameters, count.device]

    question = [config, asdict(shape), objective, getattr(run, "__name__", "")]
    forward, backward, parameters, device = COUNTS.answer(config["model_type"], question, ask)
    return TorchCount(
        forward_flop=forward, backward_flop=backward, parameters=parameters, non_embedding=0,
        device=device, by_operation={},
    )  # fmt: skip


@contextmanager
def asking(count: Any) -> Iterator[None]:
    """Our proofs ask ``count`` instead of torch."""
    before = verification.count_with_torch
    verification.count_with_torch = count
    try:
        yield
    finally:
        verification.count_with_torch = before


def main() -> None:
    """Run the proofs, and bring the files up to date: an answer is torch's, also where ours differs."""
    import pytest

    rooms = ("tests/flops/families", "tests/flops/trace", "tests/catalog/models/test_counts.py")
    code = pytest.main(["-n0", "-q", "-p", "no:cacheprovider", *rooms])
    if code <= pytest.ExitCode.TESTS_FAILED:
        from tests.flops import kept  # this file as the tests imported it

        for one in (kept.COUNTS, kept.TRACES, kept.PARAMETERS):
            one.write()
    sys.exit(code)


if __name__ == "__main__":
    main()
