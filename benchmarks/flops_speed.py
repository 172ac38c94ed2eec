"""Time of one count: ours, torch's counter, and calflops if it is installed, in the same run.

    python benchmarks/flops_speed.py

All times are processor time of one thread. Ours is the best of many repetitions after import. torch's
counter counts models of one and two layers and extrapolates (its fastest way), and once the full depth
of a 70B model. calflops runs a 70B model with four layers, forward only. The checked limit is 0.2 ms for
the 405B config; the time is also printed in iterations of an empty Python loop, since machines differ.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from footprint.flops import count_step
from footprint.schema import StepShape

LIMIT_MS = 0.2
LLAMA_405B: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 16384, "num_hidden_layers": 126, "num_attention_heads": 128,
    "num_key_value_heads": 8, "intermediate_size": 53248, "vocab_size": 128256,
}  # fmt: skip
LLAMA_70B = {
    **LLAMA_405B, "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64,
    "intermediate_size": 28672,
}  # fmt: skip
SHAPE = StepShape(sequences=1, sequence_length=8192)


def best_ms(run: Callable[[], object], repetitions: int, rounds: int = 1) -> float:
    """Processor time of one call, the best of several rounds [ms]."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        for _ in range(repetitions):
            run()
        best = min(best, (time.process_time() - started) / repetitions)
    return 1e3 * best


def empty_loop() -> None:
    """A loop of a thousand empty iterations, as a measure of the machine's speed."""
    for _ in range(1000):
        pass


def row(name: str, milliseconds: float, ours: float) -> None:
    """One line of the table."""
    print(f"{name:<66}{milliseconds:>12,.3f} ms{milliseconds / ours:>14,.0f} x")


def main() -> None:
    """Measure, print, and fail above the limit."""
    warnings.simplefilter("ignore")
    started = time.process_time()
    count_step(LLAMA_405B, SHAPE)
    first = 1e3 * (time.process_time() - started)
    ours = best_ms(lambda: count_step(LLAMA_405B, SHAPE), 100, 30)
    turn = best_ms(empty_loop, 100, 10) / 1000
    row("ours, Llama-3.1-405B, 8192 tokens", ours, ours)
    row("  first count of a process, its family imported", first, ours)
    print(f"  in turns of an empty loop: {ours / turn:,.0f}; limit {LIMIT_MS} ms")
    try:
        _torch(ours)
    except ImportError as error:
        print(f"torch's counter: {error.name} is not installed")
    if ours > LIMIT_MS:
        raise SystemExit(f"{ours:.3f} ms is above the limit of {LIMIT_MS} ms")


def _torch(ours: float) -> None:
    from footprint.flops.torch.torch_counter import build, count_with_torch
    from footprint.flops.verify import verify

    count_with_torch({**LLAMA_70B, "num_hidden_layers": 1}, SHAPE)  # imports are not counted
    shallow = best_ms(lambda: verify(LLAMA_405B, SHAPE), 1, 2)
    row("torch's counter, Llama-3.1-405B from 1 and 2 layers", shallow, ours)
    deep = best_ms(lambda: count_with_torch(LLAMA_70B, StepShape(sequences=1, sequence_length=4096)), 1)
    row("torch's counter, Llama-3-70B, all 80 layers", deep, ours)
    try:
        from calflops import calculate_flops  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        print("calflops: not installed (a peer that runs the model)")
        return
    import torch

    with torch.device("meta"):
        model = build({**LLAMA_70B, "num_hidden_layers": 4})
        ids = torch.zeros(1, 64, dtype=torch.long)
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        found: list[float] = []

        def peer() -> None:
            flop, _, _ = calculate_flops(
                model, kwargs=dict(inputs), print_results=False, print_detailed=False, output_as_string=False
            )
            found.append(float(flop))

        row("calflops, Llama-3-70B cut to 4 layers, forward, 64 tokens", best_ms(peer, 1), ours)
    exact = count_step({**LLAMA_70B, "num_hidden_layers": 4}, StepShape(sequences=1, sequence_length=64))
    print(f"  its forward FLOP against the exact ones: {found[0] / float(exact.forward_flop) - 1:+.2%}")


if __name__ == "__main__":
    main()
