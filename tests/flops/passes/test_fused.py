"""LoRA beside a part of a fused projection, against torch's counter and published numbers of parameters."""

from __future__ import annotations

import re
from typing import Any

import pytest

from footprint.catalog.models import find_model
from footprint.errors import FootprintError
from footprint.flops import count_step
from footprint.flops.count import step_sums
from footprint.schema import StepShape, TrainingMethod
from tests.flops.small_configs import TEXT

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")
SHAPE = StepShape(sequences=2, sequence_length=33)
RANK = 4
HEAD = TEXT["hidden_size"] // TEXT["num_attention_heads"]
SHORT = {**TEXT, "num_hidden_layers": 3}
GPT2 = {"model_type": "gpt2", "n_embd": 256, "n_layer": 3, "n_head": 8, "vocab_size": 1000}
NEOX = {"model_type": "gpt_neox", **SHORT}
FALCON = {"model_type": "falcon", **SHORT, "multi_query": True, "parallel_attn": True, "bias": False}
PHI3 = {"model_type": "phi3", **SHORT, "num_key_value_heads": 2}
BLOOM = {"model_type": "bloom", "hidden_size": 256, "n_layer": 3, "n_head": 8, "vocab_size": 1000}


class Beside(torch.nn.Module):  # type: ignore[misc,name-defined]
    """A fused projection with an adapter beside each of some parts of its outputs (as in loralib)."""

    def __init__(self, layer: Any, parts: list[tuple[int, int]]) -> None:
        super().__init__()
        self.layer = layer
        shape = layer.weight.shape
        inputs, self.outputs = shape[::-1] if isinstance(layer, torch.nn.Linear) else shape
        self.parts = parts
        self.down = torch.nn.ModuleList(torch.nn.Linear(inputs, RANK, bias=False) for _ in parts)
        self.up = torch.nn.ModuleList(
            torch.nn.Linear(RANK, stop - start, bias=False) for start, stop in parts
        )

    def forward(self, x: Any) -> Any:
        y = self.layer(x)
        for (start, stop), down, up in zip(self.parts, self.down, self.up, strict=True):
            y = y + torch.nn.functional.pad(up(down(x)), (start, self.outputs - stop))
        return y


@pytest.mark.parametrize(
    ("config", "fused", "targets", "parts"),
    [
        (GPT2, "c_attn", ("q", "v"), [(0, 256), (512, 768)]),
        (GPT2, "c_attn", ("v_proj",), [(512, 768)]),
        (NEOX, "query_key_value", ("q_proj", "v_proj"), [(0, 256), (512, 768)]),
        (FALCON, "query_key_value", ("q", "k"), [(0, 256), (256, 256 + HEAD)]),  # one key for all queries
        (PHI3, "qkv_proj", ("k", "v"), [(256, 256 + 2 * HEAD), (256 + 2 * HEAD, 256 + 4 * HEAD)]),
        (PHI3, "gate_up_proj", ("gate_proj",), [(0, 640)]),
        (BLOOM, "query_key_value", ("q", "v"), [(0, 256), (512, 768)]),
    ],
)
def test_a_part_of_a_fused_projection(
    config: dict[str, Any], fused: str, targets: tuple[str, ...], parts: list[tuple[int, int]]
) -> None:
    from footprint.flops.torch.torch_counter import count_with_torch

    def prepare(model: Any) -> Any:
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        for name, module in list(model.named_modules()):
            parent, _, last = name.rpartition(".")
            if last == fused:
                setattr(model.get_submodule(parent), last, Beside(module, parts))
        return model

    theirs = count_with_torch(config, SHAPE, "clm", prepare=prepare)
    training = TrainingMethod(method="lora", lora_rank=RANK, lora_targets=targets)
    _, sums = step_sums(config, SHAPE, training, "clm")
    assert (sums.dense_forward, sums.dense_backward) == (theirs.forward_flop, theirs.backward_flop)
    assert sums.parameters.total == theirs.parameters


@pytest.mark.parametrize(("rank", "published"), [(1, 4.7e6), (8, 37.7e6)])
def test_gpt3_as_lora_trained_it(rank: int, published: float) -> None:
    """Hu et al. 2021, Table 4: 4.7M and 37.7M trained parameters; queries and values (section 7.2)."""
    training = TrainingMethod(method="lora", lora_rank=rank, lora_targets=("q", "v"))
    step = count_step(find_model("gpt3-175b").config, StepShape(sequences=1, sequence_length=8), training)
    assert step.parameters.trainable == pytest.approx(published, rel=0.005)


def test_short_names_are_those_of_split_projections() -> None:
    config = {"model_type": "llama", **SHORT}
    for short, long in ((("q", "v"), ("q_proj", "v_proj")), (("o",), ("o_proj",))):
        one, other = (
            count_step(config, SHAPE, TrainingMethod(method="lora", lora_targets=targets))
            for targets in (short, long)
        )
        assert one.parameters == other.parameters
        assert one.training_flop == other.training_flop


def test_a_fused_projection_and_its_part_are_one_adapter() -> None:
    whole, both = (
        count_step(GPT2, SHAPE, TrainingMethod(method="lora", lora_targets=targets))
        for targets in (("c_attn",), ("c_attn", "q"))
    )
    assert whole.parameters == both.parameters


def test_the_error_names_what_there_is() -> None:
    with pytest.raises(FootprintError, match=re.escape("c_fc, mlp.c_proj, q, k, v, o (or all-linear)")):
        count_step(GPT2, SHAPE, TrainingMethod(method="lora", lora_targets=("nonsense",)))
