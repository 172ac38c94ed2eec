"""A million scenarios at once, against bare numpy on the same arrays and against a Python loop.

python -m benchmarks.sweep             # 20 models x 20 chips x 25 counts x 20 batches x 5 places
python -m benchmarks.sweep --tenth     # 20,000 distinct jobs, 100,000 scenarios

It prints the CPU seconds of each room, what a Parquet file takes beside them, and three ratios: writing over
computing (limit 1), the chain over a bare numpy product of its six columns with their bounds (limit 4), and a
loop of `footprint.estimate` (from a sample) over the whole.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import footprint
from footprint.decisions.grid import Grid
from footprint.decisions.streams import Stream
from footprint.decisions.sweeps import sweep
from footprint.errors import FootprintError
from footprint.estimator.columns import outcomes as engine
from footprint.reports.decisions.sweeps.sweep_files import write_sweep

MODELS = (
    "bert-base", "bert-large", "gpt2", "gpt2-xl", "gpt3-1.3b", "gpt3-13b", "gpt3-175b", "llama2-7b",
    "llama2-13b", "llama2-70b", "llama3.1-8b", "llama3.1-405b", "mistral-7b", "mixtral-8x7b", "deepseek-v3",
    "qwen2.5-7b", "qwen3-30b-a3b", "t5-base", "roberta-large", "pythia-12b",
)  # fmt: skip
CHIPS = (
    "v100-sxm2-16gb", "v100-sxm2-32gb", "a100-sxm4-40gb", "a100-sxm4-80gb", "a100-pcie-80gb",
    "h100-sxm5-80gb", "h100-pcie-80gb", "h200-sxm-141gb", "b200-sxm-180gb", "b300-sxm-288gb", "gb200", "a40",
    "l40s", "l4", "rtx4090", "mi250x", "mi300x", "mi325x", "tpu-v4", "tpu-v5p",
)  # fmt: skip
COUNTS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 320, 384, 512, 640, 768, 1024, 1536, 2048,
          3072, 4096, 8192)  # fmt: skip
BATCHES = (8, 16, 32, 64, 96, 128, 192, 256, 384, 512, 640, 768, 1024, 1280, 1536, 2048, 2560, 3072, 4096,
           8192)  # fmt: skip
PLACES = ("FRA", "POL", "US-VA", "aws:us-east-1", "SWE")
FIXED = {"tokens": 1e11, "seq_len": 1024}
CHAIN_LIMIT = 4.0
WRITING_LIMIT = 1.0
SECONDS_LIMIT = 3.0
SAMPLE = 60
BLOCK = 10_000
"""Number of rows in one evaluation of the chain; a block of the grid has a few thousand."""


def axes(models: tuple[str, ...], counts: tuple[int, ...]) -> dict[str, list]:
    """The axes of the grid."""
    hardware = [f"{chip}:{count}" for chip in CHIPS for count in counts]
    return {"model": list(models), "hw": hardware, "batch_size": list(BATCHES), "region": list(PLACES)}


def timed(work) -> tuple[float, object]:
    """CPU seconds of a call, and its result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def rooms(grid: Grid) -> dict[str, float]:
    """CPU seconds of the whole grid by room, without writing the result table."""
    spent = dict.fromkeys(("prediction", "chain"), 0.0)
    plain = engine._predicted, engine.chain

    def clocked(name, function):
        def run(*args):
            seconds, result = timed(lambda: function(*args))
            spent[name] += seconds
            return result

        return run

    engine._predicted, engine.chain = clocked("prediction", plain[0]), clocked("chain", plain[1])
    try:
        whole, _ = timed(lambda: [bounds(block.columns) for block in grid.blocks()])
    finally:
        engine._predicted, engine.chain = plain
    return {"whole": whole, **spent, "look-ups and bounds": whole - sum(spent.values())}


def bounds(columns) -> list:
    """The interval ends of the four answers of a block."""
    if columns is None:
        return []
    outcome = columns.outcome
    answers = (outcome.duration_h, outcome.consequences.energy_kwh, outcome.consequences.co2e_kg,
               outcome.consequences.cost_usd)  # fmt: skip
    return [(quantity.mid, *quantity.bounds) for quantity in answers if quantity is not None]


def computed_and_written(grid: Grid) -> tuple[float, float]:
    """CPU seconds of the parts of `footprint sweep`, computed alone and also written to Parquet.

    The imports of pyarrow and of pandas, which pyarrow imports, are not counted.
    """
    import pandas as pd  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    with TemporaryDirectory() as folder:
        file = Path(folder, "sweep.parquet")
        computed, _ = timed(lambda: sum(len(part) for part in Stream(grid.axes, grid.fixed).parts()))
        both, _ = timed(lambda: sum(len(part) for part in write_sweep(Stream(grid.axes, grid.fixed), file)))
    return computed, both


def chain_against_numpy(rows: int) -> tuple[float, float]:
    """CPU seconds of the chain with its causes, and of a bare product of six columns with bounds."""
    import numpy as np

    from footprint import equations
    from footprint.results import Quantity

    rng = np.random.default_rng(1)
    names = ("time_model", "goodput", "power_model", "pue", "grid", "price")
    mids = [rng.uniform(0.5, 2.0, rows) for _ in names]
    lows, highs = ([rng.uniform(0.05, 0.5, rows) for _ in names] for _ in range(2))

    def block(part: slice) -> list:
        step, goodput, watts, pue, grid, price = (
            Quantity(mid[part], {name: (-low[part], high[part])})
            for name, mid, low, high in zip(names, mids, lows, highs, strict=True)
        )
        hours = equations.duration_h(1e6, step, goodput)
        energy = equations.facility_energy_kwh(equations.energy_kwh(watts, hours), pue)
        mass = equations.co2e_kg(energy, grid)
        cost = equations.cost_usd(equations.accelerator_h(hours, 64), price)
        return [(one.mid, *one.bounds) for one in (hours, energy, mass, cost)]

    def chain() -> list:
        return [block(slice(at, at + BLOCK)) for at in range(0, rows, BLOCK)]

    def bare() -> list:
        product, below, above = 1.0, 0.0, 0.0
        for mid, low, high in zip(mids, lows, highs, strict=True):
            product = product * mid
            below, above = below + low * low, above + high * high
        return [(product * np.exp(-np.sqrt(below)), product, product * np.exp(np.sqrt(above)))]

    chain(), bare()
    pairs = [(timed(chain)[0], timed(bare)[0]) for _ in range(5)]
    return min(one for one, _ in pairs), min(other for _, other in pairs)


def loop_seconds(grid: Grid) -> float:
    """CPU seconds per scenario of `footprint.estimate`, from a sample."""
    rows = random.Random(1).sample(range(len(grid)), SAMPLE)  # noqa: S311 - a sample

    def run() -> None:
        for row in rows:
            with contextlib.suppress(FootprintError):
                footprint.estimate(**grid.scenario(row))

    return timed(run)[0] / SAMPLE


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenth", action="store_true", help="20,000 distinct jobs instead of 200,000")
    small = parser.parse_args().tenth
    models, counts = (MODELS[::2], COUNTS[::5]) if small else (MODELS, COUNTS)
    timed(lambda: sweep({"hw": ["h100:8"]}, model="gpt2", batch_size=64, **FIXED))  # numpy is loaded
    grid = Grid(axes(models, counts), FIXED)
    spent = rooms(grid)
    written, _ = timed(lambda: sweep(axes(models, counts), **FIXED))
    computed, both = computed_and_written(grid)
    jobs = len(grid) // len(PLACES)
    print(f"{len(grid):,} scenarios, {jobs:,} distinct jobs")
    for name, seconds in spent.items():
        print(f"  {name:<22} {seconds:6.2f} s of CPU")
    print(
        f"  {'and written to columns':<22} {written:6.2f} s of CPU (reach: {SECONDS_LIMIT:g} for the whole)"
    )
    print(f"parts of the command: {computed:.2f} s of CPU; and written to Parquet: {both:.2f} s; "
          f"writing over computing {(both - computed) / computed:.2f} (limit {WRITING_LIMIT:g})")  # fmt: skip
    one, other = chain_against_numpy(1_000_000)
    ratio = one / other
    print(f"chain of a million rows, all distinct: {one:.2f} s; bare product of its six columns with bounds: "
          f"{other:.2f} s; ratio {ratio:.2f} (limit {CHAIN_LIMIT:g})")  # fmt: skip
    each = loop_seconds(grid)
    print(f"a Python loop: {1e3 * each:.1f} ms a scenario, {each * len(grid):,.0f} s for all: "
          f"{each * len(grid) / spent['whole']:,.0f} times as long")  # fmt: skip


if __name__ == "__main__":
    main()
