"""Diffusion transformers against a module written after the paper, and against the paper's numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from footprint.flops import ConfigError, count_step
from footprint.schema import StepShape
from tests.flops.torch_counts import counted, ours

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")


class DiffusionTransformer(torch.nn.Module):  # type: ignore[misc,name-defined]
    """DiT with adaLN-Zero blocks, after section 3 of Peebles & Xie 2023."""

    def __init__(
        self, width: int, heads: int, layers: int, side: int, channels: int = 4, patch: int = 2
    ) -> None:
        super().__init__()
        nn = torch.nn
        self.heads, tokens = heads, (side // patch) ** 2
        self.patches = nn.Conv2d(channels, width, patch, patch)
        self.positions = nn.Parameter(torch.empty(tokens, width), requires_grad=False)
        self.time = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        self.labels = nn.Embedding(1001, width)
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "modulation": nn.Linear(width, 6 * width),
                    "qkv": nn.Linear(width, 3 * width),
                    "proj": nn.Linear(width, width),
                    "fc1": nn.Linear(width, 4 * width),
                    "fc2": nn.Linear(4 * width, width),
                }
            )
            for _ in range(layers)
        )
        self.modulation = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, patch * patch * 2 * channels)

    def forward(self, latents: Any, frequencies: Any, classes: Any) -> Any:
        functional = torch.nn.functional
        x = self.patches(latents).flatten(2).transpose(1, 2) + self.positions
        c = self.time(frequencies) + self.labels(classes)
        batch, tokens, width = x.shape

        def modulated(values: Any, shift: Any, scale: Any) -> Any:
            return functional.layer_norm(values, (width,)) * (1 + scale[:, None]) + shift[:, None]

        for block in self.blocks:
            parts = block["modulation"](functional.silu(c)).chunk(6, -1)
            q, k, v = (
                block["qkv"](modulated(x, parts[0], parts[1]))
                .reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            )  # fmt: skip
            mixed = (q @ k.transpose(-1, -2)).softmax(-1) @ v
            x = x + parts[2][:, None] * block["proj"](mixed.transpose(1, 2).reshape(batch, tokens, width))
            inner = functional.gelu(block["fc1"](modulated(x, parts[3], parts[4])))
            x = x + parts[5][:, None] * block["fc2"](inner)
        shift, scale = self.modulation(functional.silu(c)).chunk(2, -1)
        return self.out(modulated(x, shift, scale))


@pytest.mark.slow
def test_diffusion_transformer() -> None:
    with torch.device("meta"):
        model = DiffusionTransformer(1152, 16, 28, 32)
        theirs = counted(
            model, torch.empty(2, 4, 32, 32), torch.empty(2, 256), torch.zeros(2, dtype=torch.long)
        )
    config = {
        "model_type": "dit", "hidden_size": 1152, "num_hidden_layers": 28, "num_attention_heads": 16,
        "patch_size": 2, "in_channels": 4, "sample_size": 32,
    }  # fmt: skip
    assert ours(config, StepShape(sequences=2)) == theirs
    # Table 4 of the paper: DiT-XL/2 has 675M parameters and 118.64 G multiply-adds a forward pass
    step = count_step(config, StepShape(sequences=1))
    assert step.forward_flop / 2 == pytest.approx(118.64e9, rel=2e-4)
    assert step.parameters.total == pytest.approx(675e6, rel=1e-3)
    assert count_step(config, StepShape(sequences=1, image_size=256)).forward_flop == step.forward_flop


def test_a_diffusers_config_is_the_same_model(tmp_path: Path) -> None:
    from footprint.catalog.models.read import read_model_file

    config = {
        "_class_name": "Transformer2DModel", "attention_head_dim": 72, "num_attention_heads": 16,
        "in_channels": 4, "out_channels": 8, "num_layers": 28, "num_embeds_ada_norm": 1000,
        "patch_size": 2, "sample_size": 32, "norm_type": "ada_norm_zero", "cross_attention_dim": None,
    }  # fmt: skip
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    step = count_step(read_model_file(path).config, StepShape(sequences=1))
    assert step.forward_flop / 2 == pytest.approx(118.64e9, rel=2e-4)
    path.write_text(json.dumps({**config, "norm_type": "ada_norm_single"}))
    with pytest.raises(ConfigError, match="norm_type"):
        count_step(read_model_file(path).config, StepShape(sequences=1))
    with pytest.raises(ConfigError, match="cross_attention_dim"):
        count_step({**config, "model_type": "dit", "cross_attention_dim": 1152}, StepShape(sequences=1))
