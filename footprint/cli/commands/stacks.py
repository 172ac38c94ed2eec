"""List, search and show training software: kernels, fusion, overlap, sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from footprint.cli.shared.catalogue import Catalogue, Filter, Row, any_of, catalogue_group


def _rows() -> list[Row]:
    from footprint.catalog.stacks import find_stack, stack_ids

    stacks = [find_stack(name) for name in stack_ids()]
    return [
        {
            "id": stack.id,
            "since": stack.since_year,
            "kernels": stack.kernels,
            "fuses": stack.fuses,
            "host_s": stack.host_s,
            "overlap_share": stack.overlap_share,
            "basis": stack.basis,
            "name": stack.name,
            "aliases": list(stack.aliases),
        }
        for stack in stacks
    ]


def _show(name: str) -> Mapping[str, Any]:
    from footprint.catalog.stacks import find_stack

    return asdict(find_stack(name))


def _names() -> list[str]:
    from footprint.catalog.stacks import stack_ids

    return stack_ids()


command = catalogue_group(
    Catalogue(
        kind="stacks",
        about="Training software for --stack: whose kernels it runs, what it fuses and hides.",
        rows=_rows,
        show=_show,
        card="stack_card",
        names=_names,
        columns=("id", "since", "kernels", "fuses", "host_s", "overlap_share", "basis"),
        example="megatron",
        filters=(
            Filter(
                flag="--kernels",
                help="tuned or native.",
                test=any_of("kernels"),
                metavar="KIND",
                names=("kernels",),
            ),
            Filter(
                flag="--basis",
                help="fitted or assumed.",
                test=any_of("basis"),
                metavar="BASIS",
                names=("basis",),
            ),
        ),
    )
)
