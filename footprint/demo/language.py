"""A small GPT on English prose that ships with every CPython."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CONFIG: dict[str, Any] = {
    "model_type": "gpt2", "n_positions": 64, "n_embd": 128, "n_layer": 4, "n_head": 4,
    "activation_function": "gelu_new", "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0,
}  # fmt: skip
# On a GPU the same program trains a real size.
GPU_CONFIG = {**CONFIG, "n_positions": 512, "n_embd": 768, "n_layer": 12, "n_head": 12}
BATCH, GPU_BATCH = 16, 32


def corpus() -> str:
    """The language reference that the interactive help quotes: 465 kB of English prose."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name] for name in sorted(topics))


def vocabulary(text: str) -> list[str]:
    """The characters of a text, sorted."""
    return sorted(set(text))


def build(config: dict[str, Any], device: str) -> tuple[Any, Callable[[Any], Any]]:
    """A torch module and its forward function, as the config says: pre-norm, tied head, learned positions."""
    import math

    import torch
    from torch import nn

    width, heads, length = config["n_embd"], config["n_head"], config["n_positions"]

    def block() -> Any:
        return nn.ModuleDict(
            {
                "norm1": nn.LayerNorm(width),
                "qkv": nn.Linear(width, 3 * width),
                "out": nn.Linear(width, width),
                "norm2": nn.LayerNorm(width),
                "up": nn.Linear(width, 4 * width),
                "down": nn.Linear(4 * width, width),
            }
        )

    parts: Any = nn.ModuleDict(
        {
            "tokens": nn.Embedding(config["vocab_size"], width),
            "places": nn.Embedding(length, width),
            "blocks": nn.ModuleList([block() for _ in range(config["n_layer"])]),
            "norm": nn.LayerNorm(width),
        }
    ).to(device)
    for name, parameter in parts.named_parameters():
        if parameter.dim() > 1:
            scale = 0.02 / math.sqrt(2 * config["n_layer"]) if "out." in name or "down." in name else 0.02
            nn.init.normal_(parameter, std=scale)
    mask = torch.full((length, length), float("-inf"), device=device).triu(1)

    def forward(tokens: Any) -> Any:
        batch, steps = tokens.shape
        x = parts["tokens"](tokens) + parts["places"](torch.arange(steps, device=device))
        for layer in parts["blocks"]:
            q, k, v = (
                part.view(batch, steps, heads, width // heads).transpose(1, 2)
                for part in layer["qkv"](layer["norm1"](x)).split(width, dim=2)
            )
            # plain products, so that torch's counter sees them (its fused kernels count nothing on a CPU)
            scores = q @ k.transpose(2, 3) / math.sqrt(width // heads) + mask[:steps, :steps]
            mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, steps, width)
            x = x + layer["out"](mixed)
            x = x + layer["down"](nn.functional.gelu(layer["up"](layer["norm2"](x)), approximate="tanh"))
        return nn.functional.linear(parts["norm"](x), parts["tokens"].weight)

    return parts, forward


def batches(text: str, config: dict[str, Any], batch: int, device: str) -> Callable[[], tuple[Any, Any]]:
    """A function that gives the next batch of inputs and targets."""
    import torch

    place = {character: n for n, character in enumerate(vocabulary(text))}
    data = torch.tensor([place[character] for character in text], dtype=torch.long)
    length = config["n_positions"]
    generator = torch.Generator().manual_seed(1)

    def more() -> tuple[Any, Any]:
        starts = torch.randint(len(data) - length - 1, (batch,), generator=generator)
        rows = torch.stack([data[start : start + length + 1] for start in starts.tolist()]).to(device)
        return rows[:, :-1], rows[:, 1:]

    return more


def sample(
    forward: Callable[[Any], Any], config: dict[str, Any], text: str, device: str, length: int = 200
) -> str:
    """What the model writes after a full stop, a character at a time."""
    import torch

    characters = vocabulary(text)
    tokens = torch.tensor([[characters.index(c) for c in ". The "]], device=device)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for _ in range(length):
            logits = forward(tokens[:, -config["n_positions"] :])[:, -1].float().cpu()
            chosen = torch.multinomial((logits / 0.8).softmax(-1), 1, generator=generator)
            tokens = torch.cat([tokens, chosen.to(device)], 1)
    return "".join(characters[n] for n in tokens[0, 2:].tolist())
