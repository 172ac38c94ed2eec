"""What the last verified fit was fitted on: one hash of its inputs, its program and its result.

The inputs are the cases as the fit sees them (the work of a step, its layout, its chip, its time), so
a file that is only worded anew, or code that counts the same, asks for no new fit.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

from calibration.early import factors
from calibration.fit import Prepared, base_constants, development_cases, prepare_cases
from calibration.goodput import implied
from footprint.catalog.files import reference_folder

ROOT = Path(__file__).resolve().parents[1]
VERIFIED = Path(__file__).with_name("verified.txt")
CODE = (
    "calibration/fit.py", "calibration/time_model.py", "calibration/early.py", "calibration/goodput.py",
    "calibration/anchor.py", "footprint/performance/*.py", "footprint/validation/anchored.py",
)  # fmt: skip
DATA = ("assumptions/time*.toml", "assumptions/goodput*.toml", "assumptions/anchor*.toml", "fitted_folds.csv")


def digest() -> str:
    """SHA-256 of everything that a fit and its result consist of."""
    whole = hashlib.sha256()
    for part in (*_cases(), *_code(), *_data()):
        whole.update(part.encode() + b"\0")
    return whole.hexdigest()


def verified() -> str:
    """The hash of the last verified fit; empty before there was one."""
    return VERIFIED.read_text("utf-8").split()[-1] if VERIFIED.is_file() else ""


def keep() -> None:
    """Write the hash of a fit that was just verified or written."""
    VERIFIED.write_text(f"# Written by `python -m calibration`; never by hand.\n{digest()}\n", "utf-8")


def _cases() -> Iterator[str]:
    """The cases of the step times, of the early runs and of goodput."""
    yield from map(as_fitted, prepare_cases(development_cases(), base_constants()))
    yield repr(list(factors(base_constants())))
    yield repr(implied())


def as_fitted(item: Prepared) -> str:
    """A case as the fit sees it."""
    case, chip, node = item.case, item.case.cluster.accelerator, item.case.cluster.node
    of_chip = (
        chip.kind, chip.generation, chip.peak_flop_per_s, chip.memory_byte_per_s, chip.link_byte_per_s,
        chip.tdp_w, node.accelerators, node.network_byte_per_s,
    )  # fmt: skip
    of_case = (
        case.id, case.family, case.publisher, case.stack, case.model, case.precision, case.year,
        case.native, sorted(case.given), case.cluster.count, case.measured_s, item.weight,
    )  # fmt: skip
    return repr((of_case, of_chip, item.layout, item.work))


def _code() -> Iterator[str]:
    """The step-time model and the fit."""
    for pattern in CODE:
        for path in sorted(ROOT.glob(pattern)):
            yield f"{path.relative_to(ROOT).as_posix()}\n{bare_code(path)}"


def bare_code(path: Path) -> str:
    """A module without its comments and docstrings, which change nothing."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        # A string that stands alone says something and does nothing.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(value=None)
    return ast.unparse(tree)


def _data() -> Iterator[str]:
    """The numbers that the fit starts from and those that it wrote, without comments."""
    for pattern in DATA:
        for path in sorted(reference_folder().glob(pattern)):
            lines = path.read_text("utf-8").splitlines()
            yield "\n".join((path.name, *(line for line in lines if not line.startswith("#"))))
