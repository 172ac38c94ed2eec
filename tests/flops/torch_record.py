"""What torch counted, kept: it depends on a config, on torch and on how we ask, and on no formula of ours.

    python -m tests.flops.torch_record    # count anew what is missing, drop what nothing asks for

Our own counts are made anew each time and held against it. What is not kept (another config, another
version of torch or transformers, another way to ask) is counted by torch on the spot.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
import warnings
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

from calibration.inputs import bare_code
from footprint.flops.torch.torch_counter import TorchCount, count_with_torch
from footprint.flops.verify import Proof, verify
from footprint.schema import StepShape
from tests.conftest import ROOT
from tests.flops.kept import asking
from tests.flops.proof_cases import Case, cases

FILE = Path(__file__).with_name("torch_record.json")
HOW_WE_ASK = ("torch_counter.py", "dummy_inputs.py")
KEPT: dict[str, list[Any]] = json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}


def environment() -> list[str]:
    """What a count of torch depends on beside the config."""
    versions = [importlib.metadata.version(name).partition("+")[0] for name in ("torch", "transformers")]
    return versions + [bare_code(ROOT / "footprint" / "flops" / "torch" / name) for name in HOW_WE_ASK]


class Recorder:
    """Stands for ``count_with_torch``: the count that is kept, else torch's."""

    def __init__(self) -> None:
        self.environment = environment()
        self.asked: dict[str, list[Any]] = {}
        self.new = 0

    def __call__(
        self, config: Mapping[str, Any], shape: StepShape, objective: str = "", *, run: Any = None
    ) -> TorchCount:
        asked = [config, asdict(shape), objective, getattr(run, "__name__", ""), self.environment]
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
        key = f"{config['model_type']}-{digest}"
        if key not in KEPT:
            # A copy: some config classes write into the tables they are given.
            count = count_with_torch(deepcopy(dict(config)), shape, objective, run=run)
            KEPT[key] = [count.forward_flop, count.backward_flop, count.parameters, count.device]
            self.new += 1
        forward, backward, parameters, device = self.asked[key] = KEPT[key]
        return TorchCount(
            forward_flop=forward, backward_flop=backward, parameters=parameters, non_embedding=0,
            device=device, by_operation={},
        )  # fmt: skip


def prove(case: Case, count: Any) -> Proof:
    """Our counts beside torch's, which ``count`` answers."""
    with asking(count), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return verify(case.config, case.shape, case.objective)


def main() -> None:
    """Bring the file up to date."""
    count = Recorder()
    for case in cases():
        before = count.new
        proof = prove(case, count)
        if count.new > before:
            print(f"{case.name}: {proof.torch.forward_flop:,} FLOP forward", file=sys.stderr)  # noqa: T201
    lines = ",\n".join(f'"{key}": {json.dumps(value)}' for key, value in sorted(count.asked.items()))
    FILE.write_text(f"{{\n{lines}\n}}\n", "utf-8")


if __name__ == "__main__":
    main()
