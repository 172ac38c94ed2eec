"""Which modules are the repeated blocks of a network: what pipelines split and recomputation repeats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def block_names(module: torch.nn.Module, calls: Mapping[str, int]) -> frozenset[str]:
    """The names of the modules that are blocks.

    Blocks are siblings of one class that hold modules of their own, of which at least two have
    parameters of the same shapes; or a module that is called several times (shared layers). Experts
    are no blocks.
    """
    found = set(_alike(module, ""))
    return frozenset(found or _called_again(module, calls))


def _alike(module: torch.nn.Module, path: str) -> list[str]:
    children = [(f"{path}.{name}" if path else name, child) for name, child in module.named_children()]
    composite = [(name, child) for name, child in children if next(child.children(), None) is not None]
    groups: dict[type, list[tuple[str, torch.nn.Module]]] = {}
    if "expert" not in path.rpartition(".")[2].lower():
        for name, child in composite:
            groups.setdefault(type(child), []).append((name, child))
    found: list[str] = []
    taken: set[str] = set()
    listed = type(module).__name__ in ("ModuleList", "Sequential", "ModuleDict")
    for kind, group in groups.items():
        if len(group) < 2 or (kind.__name__ in ("ModuleList", "Sequential") and not listed):
            continue
        shapes = Counter(_shapes(child) for _, child in group)
        if shapes.most_common(1)[0][1] >= 2 and not _is_expert(path):
            names = [name for name, _ in group]
            found += names
            taken.update(names)
    if found and listed:  # beside blocks of one kind stand those of the others
        names = [name for name, _ in composite]
        found, taken = names, set(names)
    for name, child in composite:
        if name not in taken:
            found += _alike(child, name)
    return found


def _is_expert(path: str) -> bool:
    return "expert" in path.lower()


def _shapes(module: torch.nn.Module) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(parameter.shape) for parameter in module.parameters())


def _called_again(module: torch.nn.Module, calls: Mapping[str, int]) -> list[str]:
    """The outermost modules with parts that are called more than once."""
    found: list[str] = []
    for name, part in module.named_modules():
        inside = any(name.startswith(f"{other}.") for other in found)
        if not inside and calls.get(name, 0) > 1 and next(part.children(), None) is not None:
            found.append(name)
    return found
