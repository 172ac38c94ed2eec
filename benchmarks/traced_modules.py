"""Estimates of ten modules of timm, torchvision and diffusers at their own sizes, through the trace.

    python benchmarks/traced_modules.py      # the table of docs/any-module.md

It needs the three libraries, and takes some minutes: 0.1 to 13 billion parameters, none of them made.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import footprint
from footprint.estimator.modules import text_of
from footprint.flops.trace.door import trace_made
from footprint.results.human import figures
from tests.flops.trace.libraries import library

HW, SAMPLES = "h100:8", 10_000_000


def picture(make: Any, side: int = 224) -> Any:
    """A classifier and one image."""
    import torch

    return lambda: (make(), torch.zeros(1, 3, side, side))


def timm(name: str) -> Any:
    """A model of timm."""
    return picture(lambda: library("timm").create_model(name, pretrained=False))


def torchvision(name: str) -> Any:
    """A model of torchvision."""
    return picture(lambda: getattr(library("torchvision").models, name)(weights=None))


def latents(name: str, config: dict[str, Any], sizes: dict[str, tuple[int, ...]]) -> Any:
    """A denoiser of diffusers, and one sample of its inputs; an empty size is a step of time."""

    def made() -> tuple[Any, Any]:
        import torch

        given = {key: torch.zeros(*(size or (1,))) for key, size in sizes.items()}
        return getattr(library("diffusers"), name)(**config), {**given, "return_dict": False}

    return made


STABLE_DIFFUSION = {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8}
FLUX = {"guidance_embeds": False}
MODULES: dict[str, tuple[str, Any]] = {
    "timm resnet50": ("224 px", timm("resnet50")),
    "timm vit_base_patch16_224": ("224 px", timm("vit_base_patch16_224")),
    "timm swin_base_patch4_window7_224": ("224 px", timm("swin_base_patch4_window7_224")),
    "timm convnext_base": ("224 px", timm("convnext_base")),
    "torchvision efficientnet_v2_l": ("480 px", picture(
        lambda: library("torchvision").models.efficientnet_v2_l(weights=None), 480
    )),
    "diffusers UNet2DConditionModel": ("64 x 64 latents, 77 words", latents(
        "UNet2DConditionModel", STABLE_DIFFUSION,
        {"sample": (1, 4, 64, 64), "timestep": (), "encoder_hidden_states": (1, 77, 768)},
    )),
    "diffusers SD3Transformer2DModel": ("128 x 128 latents, 333 words", latents(
        "SD3Transformer2DModel", {"num_layers": 24, "attention_head_dim": 64, "num_attention_heads": 24,
                                  "caption_projection_dim": 1536, "pos_embed_max_size": 192},
        {"hidden_states": (1, 16, 128, 128), "encoder_hidden_states": (1, 333, 4096),
         "pooled_projections": (1, 2048), "timestep": ()},
    )),
    "diffusers FluxTransformer2DModel": ("4,096 patches, 512 words", latents(
        "FluxTransformer2DModel", FLUX,
        {"hidden_states": (1, 4096, 64), "encoder_hidden_states": (1, 512, 4096),
         "pooled_projections": (1, 768), "timestep": (), "img_ids": (4096, 3), "txt_ids": (512, 3)},
    )),
    "diffusers CogVideoXTransformer3DModel": ("13 frames of 60 x 90 latents, 226 words", latents(
        "CogVideoXTransformer3DModel", {},
        {"hidden_states": (1, 13, 16, 60, 90), "encoder_hidden_states": (1, 226, 4096), "timestep": ()},
    )),
    "diffusers WanTransformer3DModel": ("21 frames of 60 x 104 latents, 512 words", latents(
        "WanTransformer3DModel", {},
        {"hidden_states": (1, 16, 21, 60, 104), "encoder_hidden_states": (1, 512, 4096), "timestep": ()},
    )),
}  # fmt: skip
"""Name -> what one sample is, and the function that makes module and sample; sizes that are not given are
the library's defaults."""


def main() -> None:
    """Print the table."""
    print("| module | one sample | parameters | forward FLOP | traced in | days | kWh |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, (sample, factory) in MODULES.items():
            started = time.process_time()
            traced = trace_made(factory)
            seconds = time.process_time() - started
            file = Path(folder) / "module.ops.json"
            file.write_text(text_of(traced), encoding="utf-8")
            answer = footprint.estimate(model=str(file), hw=HW, batch_size=256, samples=SAMPLES, region="FRA")
            days = answer.duration_h.mid / 24
            cells = (
                name, sample, figures(float(traced.parameters)), figures(float(traced.forward_flop)),
                f"{seconds:.1f} s", figures(days), figures(answer.energy_kwh.mid),
            )  # fmt: skip
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
