"""Writes the proof as a page: our counts and torch's for every configuration, with time and memory.

    python benchmarks/flops_proof.py            # count everything with torch, write docs/flops-proof.md
    python benchmarks/flops_proof.py --check    # compare our columns of the page with a new count; no torch

The configurations are those of tests/flops/proof_cases.py, where the same comparison is a test.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from footprint.flops.count import operation_list, step_sums
from footprint.schema import TrainingMethod
from tests.flops.proof_cases import Case, cases
from tests.flops.published_counts import REPRODUCED, ROWS, by_convention

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "flops-proof.md"
_COUNT = """
from benchmarks.flops_proof import by_name
case = by_name({name!r})
"""
_OURS = (
    "from footprint.flops import count_step; count_step(case.config, case.shape, objective=case.objective)"
)
_SHORT = "from footprint.flops.verify import verify; verify(case.config, case.shape, case.objective)"
_DEEP = _SHORT.replace("objective)", "objective, full_depth=True)")
MEASURED = (
    ("bare Python", "", ""),
    ("ours", "llama3.1-405b", _OURS),
    ("ours", "deepseek-v3", _OURS),
    ("import torch, transformers", "", "import torch, transformers.models.llama.modeling_llama"),
    ("torch's counter, two shallow copies", "llama3.1-405b", _SHORT),
    ("torch's counter, every layer", "llama3.1-405b", _DEEP),
    ("torch's counter, two shallow copies", "deepseek-v3", _SHORT),
    ("torch's counter, every layer", "deepseek-v3", _DEEP),
)
"""(description, configuration, program); each runs in a new process."""


class Row(NamedTuple):
    """One line of the table."""

    family: str
    model: str
    parameters: int
    forward_flop: int
    backward_flop: int
    torch_forward_flop: int
    torch_backward_flop: int
    left: int
    corrections: str

    def line(self) -> str:
        """The line as Markdown."""
        return "| " + " | ".join(f"{v:,}" if isinstance(v, int) else v for v in self) + " |"


def by_name(name: str) -> Case:
    """A configuration of the proof."""
    return next(case for case in cases() if case.name == name)


def step(case: Case) -> str:
    """The step that is counted, in words."""
    shape = case.shape
    parts = [f"{shape.sequences} x"]
    if shape.sequence_length:
        target = f" -> {shape.target_sequence_length}" if shape.target_sequence_length else ""
        parts.append(f"{shape.sequence_length}{target} tokens")
    if shape.image_size:
        parts.append(f"{shape.image_size} pixels")
    return " ".join(parts) if len(parts) > 1 else f"{shape.sequences} x its image"


def own(case: Case) -> tuple[str, int, int, int]:
    """Our (family, parameters, forward, backward), as eager code executes them."""
    model, sums = step_sums(case.config, case.shape, TrainingMethod(), case.objective)
    return model.family, int(sums.parameters.total), int(sums.dense_forward), int(sums.dense_backward)


def prove(case: Case) -> tuple[Row, float]:
    """The line of a configuration, and the time of its count [s]."""
    from footprint.flops.verify import verify

    proof = verify(case.config, case.shape, case.objective)
    family = operation_list(case.config, case.shape, case.objective).family
    row = Row(
        family, f"{case.name}, {step(case)}", int(proof.parameters), int(proof.forward_flop),
        int(proof.backward_flop), proof.torch.forward_flop, proof.torch.backward_flop,
        int(sum(map(abs, proof.residual))), "; ".join(difference.reason for difference in proof.explained),
    )  # fmt: skip
    return row, proof.seconds


def measured(what: str, name: str, program: str) -> str:
    """One line of the table of time and memory: processor time and peak memory of a new process."""
    code = (_COUNT.format(name=name) if name else "") + program
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL
    ) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{what}, {name}: exit code {child.returncode}")
    seconds = usage.ru_utime + usage.ru_stime
    print(f"{what:<40}{name:<18}{seconds:8.2f} s  {time.perf_counter() - started:8.2f} s")
    return f"| {what} | {name or '-'} | {seconds:.2f} | {usage.ru_maxrss / 1024:.0f} |"


def published() -> list[str]:
    """Lines of published counts and ours."""
    lines = []
    for row in ROWS:
        rule, theirs = row["convention"], float(row["published_flop"])
        exact = by_convention(row if rule in REPRODUCED else {**row, "convention": "exact"})
        lines.append(f"| {row['id']} | {rule} | {theirs:.4g} | {exact:.4g} | {exact / theirs:.3f} |")
    return lines


def paragraph(*parts: str) -> str:
    """The parts as one paragraph of the page."""
    whole = re.sub(r"`[^`]*`", lambda code: code[0].replace(" ", "\0"), " ".join(parts))  # code stays whole
    return textwrap.fill(whole, 116, break_long_words=False, break_on_hyphens=False).replace("\0", " ")


def page(rows: list[Row], seconds: float, costs: list[str], peers: str) -> str:
    """The whole page."""
    import torch
    import transformers

    left = sum(row.left != 0 for row in rows)
    families = len({row.family for row in rows})
    corrected = sum(bool(row.corrections) for row in rows)
    versions = f"torch {torch.__version__.partition('+')[0]}, transformers {transformers.__version__}"
    lines = [
        "# The proof of the FLOP counts",
        "",
        paragraph(
            f"{len(rows)} configurations of {families} kinds of network, forward and backward and",
            "parameters, against `torch.utils.flop_counter.FlopCounterMode` on tensors without data",
            f"({versions}), eager attention, every position reaching the vocabulary. Deep stacks are",
            "counted by torch at two depths and extrapolated, which is exact where layers repeat.",
            f"Rows with a difference left: **{left}**. Counting all of it took torch {seconds:.0f} s.",
        ),
        "",
        paragraph(
            f"In {corrected} rows torch's number needs a correction, which is named, sized from our list",
            "and subtracted before the difference is taken. The counter's known faults are pinned in",
            "`tests/flops/torch/test_counter_faults.py`, which says when torch mends them. The same",
            "comparison is a test (`tests/flops/test_proof.py`), and for your own config",
            "`footprint flops --model config.json --verify`.",
        ),
        "",
        paragraph(
            "Not in the table, since transformers does not have them or cannot run them without data,",
            "but proved to the last FLOP in `tests/flops` on modules written for that or",
            "on small real tensors: recurrent language models (LSTM, GRU, one and two directions,",
            "projections), ELMo, diffusion transformers (DiT), Switch, and every family again on small",
            "odd sizes.",
        ),
        "",
        "What each `model_type` of transformers becomes: [model-types.md](model-types.md).",
        "",
        "## Time and memory",
        "",
        paragraph(
            "Each in a fresh process, its imports included; processor time of one thread, and the peak",
            "of resident memory. After import one count of ours takes under 0.2 ms:",
            "`python benchmarks/flops_speed.py`.",
        ),
        "",
        "| what | configuration | CPU s | MiB |",
        "|---|---|---:|---:|",
        *costs,
        "",
        "One count, in one process, beside torch's counter and a peer that runs the model:",
        "",
        "```",
        *peers.splitlines(),
        "```",
        "",
        "## Published counts",
        "",
        paragraph(
            "FLOP of whole runs as papers and model cards print them",
            "(`reference_data/published/flops_reference.csv`), and ours under the convention that each",
            "follows: 6ND, 3ND, 8ND = so much a parameter and token; exact = products with full",
            "attention; executed = with full recomputation. Where no convention was found, ours is exact.",
        ),
        "",
        "| run | convention | published | ours | ours / published |",
        "|---|---|---:|---:|---:|",
        *published(),
        "",
        "## The table",
        "",
        "FLOP of one step of full training. `python benchmarks/flops_proof.py` writes this page.",
        "",
        "| family | model and step | parameters | forward, ours | backward, ours | forward, torch "
        "| backward, torch | left | corrections |",
        "|---|---|---:|---:|---:|---:|---:|---:|---|",
        *(row.line() for row in rows),
        "",
    ]
    return "\n".join(lines)


def problems(text: str) -> list[str]:
    """The lines of the page whose counts differ from a new count."""
    listed = {
        (cells := [cell.strip() for cell in line.strip("|").split("|")])[1]: cells
        for line in text.partition("## The table")[2].splitlines()
        if line.startswith("| ") and not line.startswith("| family")
    }
    found = []
    for case in cases():
        cells = listed.pop(f"{case.name}, {step(case)}", None)
        if cells is None:
            found.append(f"not on the page: {case.name}")
            continue
        family, *numbers = own(case)
        if [family, *(f"{number:,}" for number in numbers)] != [cells[0], *cells[2:5]] or cells[7] != "0":
            found.append(f"another number: {case.name}")
    return found + [f"no such configuration: {name}" for name in listed]


def main() -> None:
    """Prove and write the page, or check it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare the page with what we count now")
    if parser.parse_args().check:
        wrong = problems(PAGE.read_text(encoding="utf-8"))
        if wrong:
            raise SystemExit("\n".join([*wrong, "run: python benchmarks/flops_proof.py"]))
        return
    costs = [measured(*entry) for entry in MEASURED]
    speed = [sys.executable, str(ROOT / "benchmarks" / "flops_speed.py")]
    peers = subprocess.run(
        speed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True
    ).stdout
    print(peers)
    warnings.simplefilter("ignore")
    rows, total = [], 0.0
    for case in cases():
        row, seconds = prove(case)
        total += seconds
        rows.append(row)
        print(f"{case.name:<60}{seconds:8.2f} s  {row.left:,}", flush=True)
    rows.sort(key=lambda row: (row.family, row.model.lower()))
    PAGE.write_text(page(rows, total, costs, peers), encoding="utf-8")


if __name__ == "__main__":
    main()
