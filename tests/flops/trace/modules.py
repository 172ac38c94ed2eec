"""Modules that a user might write, and the batches they are called with."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Block(nn.Module):
    """A pre-norm transformer block of torch's own parts."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Any) -> Any:
        h = self.norm(x)
        x = x + self.attention(h, h, h, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))


class Vision(nn.Module):
    """Patches, blocks, classes."""

    def __init__(self, width: int = 32, layers: int = 5) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.blocks = nn.ModuleList(Block(width) for _ in range(layers))
        self.head = nn.Linear(width, 10)

    def forward(self, x: Any) -> Any:
        x = self.patches(x).flatten(2).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(1))


class Perceptron(nn.Module):
    """Two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x: Any) -> Any:
        return self.second(torch.relu(self.first(x)))


def vision() -> tuple[nn.Module, Any]:
    """Four images."""
    return Vision(), torch.zeros(4, 3, 32, 32)


def perceptron() -> tuple[nn.Module, Any]:
    """Six rows."""
    return Perceptron(), torch.zeros(6, 8)


class Recurrence(nn.Module):
    """A state of keys and values, which three blocks read and update; the last update is of no use."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.keys, self.values = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Any) -> Any:
        state, outputs = torch.zeros(x.shape[0], x.shape[2], x.shape[2]), []
        for part, keys, values in zip(
            x.split(4, 1), self.keys(x).split(4, 1), self.values(x).split(4, 1), strict=True
        ):
            outputs.append(torch.bmm(part, state))
            state = state + torch.bmm(keys.transpose(1, 2), values)
        return torch.cat(outputs, 1)


class Choice(nn.Module):
    """Scores choose rows, and so get no gradient; a triangular system mixes them."""

    def __init__(self) -> None:
        super().__init__()
        self.score, self.mix = nn.Linear(8, 1), nn.Linear(8, 6)

    def forward(self, x: Any) -> Any:
        places = self.score(x).squeeze(-1).topk(2, -1).indices
        rows = torch.gather(x, 1, places.unsqueeze(-1).expand(-1, -1, 8))
        mixed = self.mix(rows)
        system = torch.eye(2).expand(x.shape[0], 2, 2) + torch.tril(mixed[..., :2], -1)
        return torch.linalg.solve_triangular(system, mixed, upper=False)


class Checkpointed(Vision):
    """The same, whose blocks the backward pass runs again."""

    def forward(self, x: Any) -> Any:
        from torch.utils.checkpoint import checkpoint

        x = self.patches(x).flatten(2).transpose(1, 2)
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False)
        return self.head(x.mean(1))
