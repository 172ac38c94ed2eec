"""How the package is divided, and how many of its modules a request and a tracked step go through.

    python -m benchmarks.rooms 8ebeafdb HEAD     # a column for each revision
    python -m benchmarks.rooms                   # the working tree

Circles and arrows are those of `tests.architecture.test_circles`, which also sees imports inside functions.
The ways are those of an estimate and of a tracked run in a process of their own, seen by `sys.setprofile`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
from collections import Counter
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.architecture.test_circles import circles, graph, modules
from tests.conftest import ROOT

PARTS = ("footprint", "hardware_profiles", "reference_data", "pyproject.toml")
PREDICTION = "footprint.performance.predict:predict_raw"
OF_THE_ANSWER = ("footprint.catalog.version", "footprint.catalog.upkeep.age")
"""What an answer says of itself: versions, and how old its data are."""
WAYS = """
import contextlib, io, json, statistics, sys, tempfile, threading, time
import footprint
from footprint.estimator import estimate

def seen(work):
    calls = []
    def note(frame, event, _):
        name = frame.f_globals.get("__name__") or ""
        if event == "call" and name.startswith("footprint.") and frame.f_code.co_name != "<module>":
            calls.append(name + ":" + frame.f_code.co_name)
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return calls

def tracked():
    with footprint.track(model="bert-base", hw="v100:8", meter="constant:250W", total_steps=3, quiet=True,
                         journal_dir=tempfile.mkdtemp()) as run:
        found["step"] = seen(lambda: run.step(tokens=1000))
        run.step(tokens=1000)

JOBS = {
    "bert-base on 8 V100": ("bert-base", "v100:8", {"tp": 1, "pp": 1, "micro_batch": 32}),
    "llama2-7b on 256 A100": ("llama2-7b", "a100:256", {"tp": 4, "pp": 1, "micro_batch": 2}),
    "llama3.1-405b on 16,384 H100": ("llama3.1-405b", "h100:16384", {"tp": 8, "pp": 16, "micro_batch": 1}),
    "deepseek-v3 on 2,048 H800": ("deepseek-v3", "h800:2048", {"tp": 1, "pp": 16, "ep": 64}),
}

def a_second(**fields):
    estimate(**fields, force=True)
    times = []
    for _ in range(20):
        start = time.process_time()
        estimate(**fields, force=True)
        times.append(time.process_time() - start)
    return 1 / statistics.median(times)

found = {}
with contextlib.redirect_stderr(io.StringIO()):
    found["request"] = seen(lambda: estimate(model="gpt2-xl", hw="h100:64", region="FRA", tokens=1e10))
    tracked()
    found["run"] = seen(tracked)
    found["speed"] = {
        name: (a_second(model=model, hw=hw), a_second(model=model, hw=hw, **given))
        for name, (model, hw, given) in JOBS.items()
    }
print(json.dumps(found))
"""


def ways(folder: Path) -> dict[str, Any]:
    """Calls, as module:function, of an estimate, of `run.step()` and of a tracked run."""
    command = [sys.executable, "-W", "ignore", "-c", WAYS]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def looked_up_late(calls: list[str]) -> list[str]:
    """The calls into the catalogue after the first prediction of a step."""
    late = modules_of(calls[calls.index(PREDICTION) :])
    return [name for name in late if name.startswith("footprint.catalog.") and name not in OF_THE_ANSWER]


def modules_of(calls: list[str]) -> list[str]:
    """The modules of some calls."""
    return [call.partition(":")[0] for call in calls]


def room(module: str, depth: int) -> str:
    """The part of a module's name that says its room."""
    return ".".join(module.split(".")[:depth])


def measured(folder: Path) -> dict[str, str]:
    """What the table says of the package in a folder."""
    trees = modules(folder / "footprint")
    edges = graph(trees)
    files, lines = Counter[str](), Counter[str]()
    for path in (folder / "footprint").rglob("*.py"):
        inside = path.relative_to(folder / "footprint").parts
        name = inside[0] if len(inside) > 1 else "modules of the top"
        files[name] += 1
        lines[name] += path.read_text("utf-8").count("\n")
    of_tracking = {one: others for one, others in edges.items() if one.startswith("footprint.tracking.")}
    arrows = [(a, b) for a, others in of_tracking.items() for b in others if b in of_tracking]
    between = {(room(a, 3), room(b, 3)) for a, b in arrows} - {(room(a, 3), room(a, 3)) for a in of_tracking}
    found = ways(folder)
    said = {f"{name}: files / lines": f"{files[name]} / {lines[name]:,}" for name in sorted(files)}
    said["all: files / lines"] = f"{files.total()} / {lines.total():,}"
    groups = circles(edges)
    said["import circles, and the modules in them"] = f"{len(groups)} ({sum(map(len, groups))})"
    said["`tracking`: imports between modules"] = str(len(arrows))
    said["`tracking`: folders and files at its top"] = str(len({room(one, 3) for one in of_tracking}))
    said["`tracking`: arrows between these"] = str(len(between))
    said["modules that an estimate goes through"] = str(len({*modules_of(found["request"])}))
    said["its calls into `catalog` after the first prediction"] = str(len(looked_up_late(found["request"])))
    said["modules that `run.step()` goes through, and calls"] = (
        f"{len({*modules_of(found['step'])})} ({len(found['step'])})"
    )
    said["modules that a tracked run goes through"] = str(len({*modules_of(found["run"])}))
    for job, (searched, given) in found["speed"].items():
        said[f"estimates a second of processor time, {job}: layout found / given"] = (
            f"{searched:.0f} / {given:.0f}"
        )
    return said


def columns(revisions: list[str]) -> dict[str, dict[str, str]]:
    """The table, a column for each revision."""
    if not revisions:
        return {"working tree": measured(ROOT)}
    found = {}
    for revision in revisions:
        packed = subprocess.run(
            ["git", "archive", revision, *PARTS],  # noqa: S607 - the git on the path
            cwd=ROOT, capture_output=True, check=True,
        )  # fmt: skip
        with TemporaryDirectory() as folder:
            with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
                archive.extractall(folder, filter="data")
            found[revision] = measured(Path(folder))
    return found


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revisions", nargs="*", help="commits, each a column; none: the working tree")
    found = columns(parser.parse_args().revisions)
    print("| |", " | ".join(found), "|")
    print("|---|" + "---|" * len(found))
    for name in dict.fromkeys(name for column in found.values() for name in column):
        print(f"| {name} |", " | ".join(column.get(name, "") for column in found.values()), "|")


if __name__ == "__main__":
    main()
