"""Modules of timm, torchvision and diffusers, each with a batch, small where the library lets them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any

Made = Callable[[], tuple[Any, Any]]


def library(name: str) -> Any:
    """The library; torchvision, which timm imports, without compiled operations that its torch may lack."""
    import torch

    if name in ("timm", "torchvision"):
        declared = _declared()
        for schema in (
            "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
            "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        ):
            if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
                declared.define(schema)
    return import_module(name)


@functools.cache
def _declared() -> Any:
    import torch

    return torch.library.Library("torchvision", "FRAGMENT")


def _image(side: int = 224, batch: int = 2) -> Any:
    import torch

    return torch.zeros(batch, 3, side, side)


def _timm(name: str) -> Made:
    return lambda: (library("timm").create_model(name, pretrained=False).eval(), _image())


def _torchvision(name: str) -> Made:
    return lambda: (getattr(library("torchvision").models, name)(weights=None).eval(), _image())


def _unet() -> tuple[Any, Any]:
    import torch

    model = library("diffusers").UNet2DConditionModel(
        sample_size=32, block_out_channels=(32, 64), layers_per_block=1, cross_attention_dim=48,
        attention_head_dim=8, norm_num_groups=8,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )  # fmt: skip
    given = {"sample": torch.zeros(2, 4, 32, 32), "timestep": torch.zeros(2), "return_dict": False}
    return model.eval(), {**given, "encoder_hidden_states": torch.zeros(2, 77, 48)}


def _dit() -> tuple[Any, Any]:
    import torch

    model = library("diffusers").DiTTransformer2DModel(
        num_attention_heads=4, attention_head_dim=16, in_channels=4, num_layers=3, sample_size=16,
        num_embeds_ada_norm=10,
    )  # fmt: skip
    given = {"hidden_states": torch.zeros(2, 4, 16, 16), "return_dict": False}
    labels = torch.zeros(2, dtype=torch.long)
    return model.eval(), {**given, "timestep": labels, "class_labels": labels}


def _flux() -> tuple[Any, Any]:
    import torch

    model = library("diffusers").FluxTransformer2DModel(
        in_channels=16, num_layers=2, num_single_layers=2, attention_head_dim=16, num_attention_heads=4,
        joint_attention_dim=48, pooled_projection_dim=40, axes_dims_rope=(4, 6, 6),
    )  # fmt: skip
    return model.eval(), {
        "hidden_states": torch.zeros(2, 64, 16), "encoder_hidden_states": torch.zeros(2, 20, 48),
        "pooled_projections": torch.zeros(2, 40), "timestep": torch.zeros(2),
        "img_ids": torch.zeros(64, 3), "txt_ids": torch.zeros(20, 3), "return_dict": False,
    }  # fmt: skip


def _sd3() -> tuple[Any, Any]:
    import torch

    model = library("diffusers").SD3Transformer2DModel(
        sample_size=16, patch_size=2, in_channels=4, num_layers=3, attention_head_dim=16,
        num_attention_heads=4, joint_attention_dim=48, caption_projection_dim=64,
        pooled_projection_dim=40, out_channels=4, pos_embed_max_size=16,
    )  # fmt: skip
    return model.eval(), {
        "hidden_states": torch.zeros(2, 4, 16, 16), "encoder_hidden_states": torch.zeros(2, 20, 48),
        "pooled_projections": torch.zeros(2, 40), "timestep": torch.zeros(2), "return_dict": False,
    }  # fmt: skip


def _wan() -> tuple[Any, Any]:
    import torch

    model = library("diffusers").WanTransformer3DModel(
        num_attention_heads=4, attention_head_dim=24, in_channels=4, out_channels=4, text_dim=48,
        freq_dim=32, ffn_dim=128, num_layers=3, rope_max_seq_len=64,
    )  # fmt: skip
    return model.eval(), {
        "hidden_states": torch.zeros(2, 4, 4, 16, 16), "encoder_hidden_states": torch.zeros(2, 20, 48),
        "timestep": torch.zeros(2), "return_dict": False,
    }  # fmt: skip


def _cogvideox() -> tuple[Any, Any]:
    import torch

    model = library("diffusers").CogVideoXTransformer3DModel(
        num_attention_heads=4, attention_head_dim=16, in_channels=4, out_channels=4, time_embed_dim=32,
        text_embed_dim=48, num_layers=3, sample_width=16, sample_height=16, sample_frames=9,
        max_text_seq_length=20,
    )  # fmt: skip
    return model.eval(), {
        "hidden_states": torch.zeros(2, 3, 4, 16, 16), "encoder_hidden_states": torch.zeros(2, 20, 48),
        "timestep": torch.zeros(2), "return_dict": False,
    }  # fmt: skip


OF_TIMM = (
    "resnet18", "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "convnext_atto", "efficientnet_b0",
)  # fmt: skip
OF_TORCHVISION = ("resnet18", "vit_b_16", "swin_t", "convnext_tiny", "efficientnet_b0")
MODULES: dict[str, Made] = {
    **{f"timm {name}": _timm(name) for name in OF_TIMM},
    **{f"torchvision {name}": _torchvision(name) for name in OF_TORCHVISION},
    "diffusers UNet2DConditionModel": _unet,
    "diffusers DiTTransformer2DModel": _dit,
    "diffusers FluxTransformer2DModel": _flux,
    "diffusers SD3Transformer2DModel": _sd3,
    "diffusers WanTransformer3DModel": _wan,
    "diffusers CogVideoXTransformer3DModel": _cogvideox,
}
