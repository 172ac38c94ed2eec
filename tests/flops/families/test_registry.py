"""What transformers has: its defaults for nested parts, and that importing our package loads none of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from footprint.flops.config.defaults import NESTED
from footprint.flops.registry import FAMILIES, family, model_families
from tests.conftest import ROOT


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model_type", sorted(NESTED))
def test_defaults_of_nested_parts_are_the_librarys(model_type: str) -> None:
    transformers = pytest.importorskip("transformers")
    default = transformers.AutoConfig.for_model(model_type)
    ours = dict(NESTED[model_type])
    if model_type == "gemma3_text":
        assert ours.pop("vocab_size") in (default.vocab_size, 262_208)
    assert ours == {name: getattr(default, name) for name in ours}


def test_counting_loads_one_family_and_no_heavy_package() -> None:
    program = """
import sys
from pathlib import Path
from footprint.flops import count_step
from footprint.schema import StepShape
count_step({"model_type": "gpt2", "n_embd": 8, "n_layer": 1, "n_head": 2, "vocab_size": 9},
           StepShape(sequences=1, sequence_length=4))
heavy = {"torch", "numpy", "pydantic", "pandas", "transformers", "matplotlib", "rapidfuzz"} & set(sys.modules)
loaded = {name.rpartition(".")[2] for name in sys.modules if name.startswith("footprint.flops.families.")}
print(sorted(heavy), sorted(loaded))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[] ['gpt2']"


def test_every_family_offers_what_the_registry_needs() -> None:
    types = model_families()
    for path in Path(FAMILIES).glob("[!_]*.py"):
        named = [model_type for model_type, stem in types.items() if stem == path.stem]
        assert named, path.name
        for model_type in named:
            module = family(model_type)
            assert module is not None
            assert model_type in module.MODEL_TYPES
            assert callable(module.build)
    assert family("no-such-type") is None
    assert family("../count") is None
