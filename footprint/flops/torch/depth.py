"""Shallow copies of deep configs, with which torch counts a 126-layer model from a few layers.

The FLOPs and parameters of a model are sums over its layers. If the kinds of layers repeat with a
period, the counts at one depth and at one period more give the count of every larger depth exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from footprint.named_tuples import NamedTuple

DEPTH_KEYS = (
    ("encoder_layers", "decoder_layers"),
    ("num_layers", "num_decoder_layers"),
    ("num_hidden_layers", "decoder_num_hidden_layers"),
    ("n_layer",),
    ("n_layers",),
)
"""Keys for the number of layers of each stack; the first group that occurs in a config is used."""
LISTED = ("layer_types", "mlp_layer_types", "layers_block_type", "no_rope_layers", "layer_rope_theta")
"""Keys of lists with one entry per layer."""
POSITIONS = ("moe_layers", "mlp_only_layers", "attn_layer_indices")
"""Keys of lists of layer numbers."""
PATTERNS = ("hybrid_override_pattern",)
"""Keys of texts with one letter per layer."""
PARTS = ("text_config", "vision_config")


class Axis(NamedTuple):
    """One stack of a config, and the repetition of its layers."""

    path: tuple[str, ...]
    """Path of keys to the depth: ("num_hidden_layers",) or ("text_config", "num_hidden_layers")."""
    depth: int
    prefix: int
    """Number of layers before the repeating pattern."""
    period: int

    @property
    def shallow(self) -> int:
        """The least depth with the prefix, one period, and the same remainder."""
        least = self.prefix + self.period
        return least + (self.depth - least) % self.period


def repetition(kinds: Sequence[int]) -> tuple[int, int]:
    """The shortest (prefix, period) that reproduces a sequence of layer kinds."""
    best = (0, len(kinds))
    for period in range(1, len(kinds)):
        prefix = len(kinds) - period
        while prefix > 0 and kinds[prefix - 1] == kinds[prefix - 1 + period]:
            prefix -= 1
        if prefix + period < sum(best):
            best = (prefix, period)
    return best


def with_depth(config: Mapping[str, Any], axis: Axis, depth: int) -> dict[str, Any]:
    """The config with one stack, its lists and its patterns cut to ``depth`` layers."""
    *parents, key = axis.path
    if parents:
        part = parents[0]
        inner = axis._replace(path=axis.path[1:])
        return {**config, part: with_depth(config[part], inner, depth)}
    changed = dict(config)
    if key in PATTERNS:
        changed[key] = config[key][:depth]
        return changed
    if key not in LISTED:
        changed[key] = depth
    for name in LISTED:
        value = config.get(name)
        if isinstance(value, (list, tuple)) and len(value) == axis.depth:
            changed[name] = list(value[:depth])
    for name in POSITIONS:
        value = config.get(name)
        if isinstance(value, (list, tuple)):
            changed[name] = [position for position in value if position < depth]
    if "attention_types" in config:  # GPT-Neo: [[kinds, repeats], ...]
        words = [word for kinds, repeats in config["attention_types"] for word in list(kinds) * repeats]
        changed["attention_types"] = [[[word], 1] for word in words[:depth]]
    return changed
