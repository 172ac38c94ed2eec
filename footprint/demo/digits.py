"""A small residual CNN on 1,797 handwritten digits (scikit-learn's copy of the UCI test set)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from footprint.errors import FootprintError

SIDE = 32
BATCH = 32
CONFIG: dict[str, Any] = {
    "model_type": "resnet", "num_channels": 1, "embedding_size": 16, "hidden_sizes": [16, 32],
    "depths": [1, 1], "layer_type": "basic", "hidden_act": "relu", "num_labels": 10, "image_size": SIDE,
}  # fmt: skip


def load() -> tuple[Any, Any]:
    """Images, four times enlarged, and their digits.

    Raises:
        FootprintError: scikit-learn is not installed.
    """
    import torch

    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise FootprintError(
            "`data='digits'` needs scikit-learn: pip install 'footprint-ml[demo]', or leave out `data=`"
        ) from None
    images, digits = load_digits(return_X_y=True)
    pixels = torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8) / 16
    return pixels.repeat_interleave(SIDE // 8, 2).repeat_interleave(SIDE // 8, 3), torch.tensor(digits)


def build(config: dict[str, Any], device: str) -> tuple[Any, Callable[[Any], Any]]:
    """A torch module and its forward function: stem, two stages of a basic block, mean, classifier."""
    from torch import nn

    def convolution(inputs: int, outputs: int, kernel: int, stride: int) -> Any:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)
        )

    widths = config["hidden_sizes"]
    first = config["embedding_size"]
    parts: Any = nn.ModuleDict(
        {
            "stem": convolution(config["num_channels"], first, 7, 2),
            "head": nn.Linear(widths[-1], config["num_labels"]),
            "stages": nn.ModuleList(
                [
                    nn.ModuleDict(
                        {
                            "one": convolution(inputs, outputs, 3, 1 if index == 0 else 2),
                            "two": convolution(outputs, outputs, 3, 1),
                            "short": nn.Identity()
                            if inputs == outputs and index == 0
                            else convolution(inputs, outputs, 1, 2),
                        }
                    )
                    for index, (inputs, outputs) in enumerate(zip([first, *widths], widths, strict=False))
                ]
            ),
        }
    ).to(device)

    def forward(images: Any) -> Any:
        x = nn.functional.max_pool2d(nn.functional.relu(parts["stem"](images)), 3, 2, 1)
        for stage in parts["stages"]:
            inner = stage["two"](nn.functional.relu(stage["one"](x)))
            x = nn.functional.relu(inner + stage["short"](x))
        return parts["head"](x.mean((2, 3)))

    return parts, forward


def batches(images: Any, digits: Any, device: str) -> Callable[[], tuple[Any, Any]]:
    """A function that gives the next batch; the last tenth is kept for the test."""
    import torch

    generator = torch.Generator().manual_seed(1)
    known = int(0.9 * len(images))

    def more() -> tuple[Any, Any]:
        chosen = torch.randint(known, (BATCH,), generator=generator)
        return images[chosen].to(device), digits[chosen].to(device)

    return more


def accuracy(parts: Any, forward: Callable[[Any], Any], images: Any, digits: Any, device: str) -> float:
    """Share of the kept tenth that is read rightly [1]."""
    import torch

    known = int(0.9 * len(images))
    parts.eval()
    with torch.no_grad():
        guessed = forward(images[known:].to(device)).argmax(1).cpu()
    return float((guessed == digits[known:]).float().mean())
