"""A layout that is given is the layout that is taken; what cannot be is an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from footprint import estimate
from footprint.catalog.models import find_model
from footprint.errors import FootprintError


@pytest.mark.parametrize(
    ("model", "hw", "sizes"),
    [
        ("bert-base", "h100:128", {"dp": 128}),
        ("llama2-70b", "a100:64", {"dp": 64}),
        ("llama2-7b", "a100:64", {"dp": 8}),
        ("llama2-7b", "a100:64", {"dp": 16, "tp": 2}),
        ("llama2-7b", "a100:64", {"pp": 4, "tp": 2}),
        ("llama2-7b", "a100:64", {"tp": 2, "pp": 4, "dp": 8, "cp": 1}),
    ],
)
def test_given_sizes_are_kept_and_the_rest_fills_the_cluster(
    model: str, hw: str, sizes: dict[str, int]
) -> None:
    layout = estimate(model=model, hw=hw, **sizes).parallelism
    assert layout.given
    taken = {name: getattr(layout, name) for name in ("tp", "pp", "cp", "dp")}
    assert sizes.items() <= taken.items()
    assert taken["tp"] * taken["pp"] * taken["cp"] * taken["dp"] == int(hw.partition(":")[2])


@pytest.mark.parametrize("recompute", ["none", "selective", "full"])
def test_given_recomputation_is_kept_even_where_memory_is_short(recompute: str) -> None:
    run = {"model": "llama3.1-405b", "hw": "h100:16384", "tp": 8, "pp": 16, "cp": 1, "recompute": recompute}
    if recompute != "full":
        with pytest.raises(FootprintError, match=r"does not fit .* `recompute='full'`"):
            estimate(**run)
    assert estimate(**run, force=True).parallelism.recompute == recompute


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ({"dp": 3}, "`dp=` is 3, which does not divide 8 accelerators: `dp=8` fits"),
        ({"tp": 2, "pp": 2, "cp": 1, "dp": 4}, "is 16, which is not 8 accelerators: `dp=2` fits"),
        ({"tp": 3}, "change one of them"),
        ({"tp": 1, "pp": 1, "dp": 4}, "`dp=8` fits"),
    ],
)
def test_sizes_that_cannot_be_are_refused(sizes: dict[str, int], says: str) -> None:
    with pytest.raises(FootprintError, match=says):
        estimate(model="bert-base", hw="v100:8", **sizes)


MIXTRAL = {
    "model": "mixtral-8x7b", "hw": "h100:64", "tokens": 2e10, "seq_len": 4096, "batch_size": 512,
}  # fmt: skip


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ({"ep": 128}, "`ep=128` does not divide the 8 experts of the model: `ep=` 1, 2, 4, 8 do, or insist"),
        ({"ep": 16}, "`ep=16` does not divide the 8 experts of the model: `ep=` 1, 2, 4, 8 do, or insist"),
        ({"ep": 16, "force": True, "pp": 8}, "`ep=16` does not divide the 8 ranks .*: `ep=8` does"),
        ({"ep": 3, "pp": 32}, "`ep=3` does not divide the 8 experts of the model: `ep=` 1, 2 do"),
        ({"ep": 8, "pp": 16}, "`ep=8` does not divide the 4 ranks that hold a layer .*: `ep=4` does"),
        (
            {"pp": 8, "interleaving": 9},
            "`interleaving=9` is more chunks than the 4 layers of a stage: `interleaving=` up to 4 does",
        ),
        ({"pp": 64, "hours": 1}, "`pp=64` is more stages than the 32 layers of the model: `pp=` 1 to 32 do"),
    ],
)
def test_experts_and_layers_are_shared_out_whole(sizes: dict[str, int], says: str) -> None:
    with pytest.raises(FootprintError, match=says):
        estimate(**MIXTRAL, **sizes)


def test_given_expert_ranks_find_room_in_a_stage() -> None:
    for ranks in (1, 2, 4, 8):
        found = estimate(**MIXTRAL, ep=ranks).parallelism
        assert found.ep == ranks
        assert found.dp * found.cp * found.tp % ranks == 0


@pytest.mark.parametrize("experts", [12, 20, 60])
def test_expert_ranks_that_are_found_divide_the_experts(experts: int, tmp_path: Path) -> None:
    config = {**find_model("mixtral-8x7b").config, "num_local_experts": experts}
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    found = estimate(**{**MIXTRAL, "model": str(path)}).parallelism
    assert found.ep > 1
    assert experts % found.ep == 0
