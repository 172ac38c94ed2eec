"""A batch smaller than the accelerators: a layout is found where one exists, as published runs had one."""

from __future__ import annotations

from typing import Any

import pytest

from footprint.catalog.assumptions import assumed
from footprint.errors import FootprintError
from footprint.estimator import estimate

LLAMA_8B = {"model": "llama3.1-8b", "seq_len": 8192, "tokens": 1e9, "precision": "bf16"}
PUBLISHED = [
    ("h200:64", 32, (1, 1, 2)),
    ("gb300:72", 36, (1, 1, 2)),
    ("gb300:512", 64, (2, 1, 4)),
    ("gb200:512", 64, (2, 1, 4)),
    ("b200:64", 32, (1, 1, 2)),
    ("b200:128", 64, (1, 1, 2)),
    ("b200:256", 128, (1, 1, 2)),
    ("b200:32", 16, (1, 1, 2)),
    ("h100:128", 64, (2, 1, 1)),
]
"""MLPerf Training 5.1, Llama 3.1 8B: accelerators, batch, and the tensor, pipeline and context ranks."""


@pytest.mark.parametrize(("hw", "batch", "ranks"), PUBLISHED)
def test_published_small_batches_are_laid_out(hw: str, batch: int, ranks: tuple[int, int, int]) -> None:
    run = {**LLAMA_8B, "hw": hw, "batch_size": batch}
    tp, pp, cp = ranks
    found, as_published = estimate(**run), estimate(**run, tp=tp, pp=pp, cp=cp)
    # Every sequence has a replica of its own, as in the submission, or each stage has one: which ranks share
    # it is a close call.
    assert found.parallelism.dp * found.parallelism.pp == as_published.parallelism.dp == batch
    # A layout that is found and splits the model is charged with what people lose on theirs.
    lost = assumed("time_fitted.layout_split").value
    assert found.step_time_s.mid <= 1.08 * lost * as_published.step_time_s.mid


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        # Images are not split, so each accelerator needs one.
        ({"model": "resnet-50", "hw": "v100:64", "batch_size": 32}, "`batch_size=64` or more, or 32 acc"),
        ({"model": "resnet-50", "hw": "v100:64", "batch_size": 32, "mfu": 0.2}, "`batch_size=64`"),
        # 32 heads, 32 layers, sequences of 2^13: nothing takes three ranks but stages, and 37 nothing.
        # (141 GiB each, so that one accelerator is not far from enough.)
        ({**LLAMA_8B, "hw": "h200:37", "batch_size": 1}, "`batch_size=37` or more, or 1 acc"),
        ({**LLAMA_8B, "hw": "h200:128", "batch_size": 1, "dp": 128}, "`batch_size=128`"),
    ],
)
def test_only_a_batch_that_no_layout_takes_is_an_error(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(FootprintError, match=message) as caught:
        estimate(**fields)
    said = str(caught.value)
    batch, count = (
        int(said.split(before)[1].split()[0].strip("`")) for before in ("batch_size=", "more, or ")
    )
    assert estimate(**{**fields, "batch_size": batch})
    chip = str(fields["hw"]).partition(":")[0]
    fewer = {name: value for name, value in fields.items() if name != "dp"}
    assert estimate(**{**fewer, "hw": f"{chip}:{count}"})
