"""CPU time of one estimate with its layout found, after import: dense models and mixtures of experts.

    python -m benchmarks.finding

Each job is estimated once, so that its layouts are made, and then with other batches, as a user would.
Prints the median in milliseconds and its ratio to the limit; exit code 1 above a limit, or where numpy
was loaded.
"""

from __future__ import annotations

import statistics
import sys
import time

from footprint.estimator import estimate

DENSE_MS, EXPERTS_MS = 10.0, 30.0
JOBS = {
    "dense": (
        DENSE_MS,
        ("llama2-7b h100:64", "llama3-70b h100:512", "gpt3-175b a100:1024", "bert-large v100:64"),
    ),
    "experts": (EXPERTS_MS, ("mixtral-8x7b h100:256", "deepseek-v3 h800:2048", "qwen3-235b-a22b h100:512")),
}
BATCHES = (1024, 2048, 3072, 4096, 6144)


def median_ms(model: str, hw: str) -> float:
    """Median CPU time of an estimate of this job [ms]."""
    spent = []
    for batch in BATCHES:
        before = time.process_time()
        estimate(model=model, hw=hw, tokens=1e9, batch_size=batch, seq_len=2048)
        spent.append(time.process_time() - before)
    return 1000.0 * statistics.median(spent[1:])


def main() -> int:
    """Print each job beside its limit."""
    late = False
    for kind, (limit_ms, jobs) in JOBS.items():
        for job in jobs:
            spent_ms = median_ms(*job.split())
            late = late or spent_ms > limit_ms
            print(f"{kind:8} {job:28} {spent_ms:6.1f} ms, {spent_ms / limit_ms:.2f} of {limit_ms:g} ms")
    loaded = "numpy" in sys.modules
    if loaded:
        print("numpy is loaded")
    return int(late or loaded)


if __name__ == "__main__":
    sys.exit(main())
