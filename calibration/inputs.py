"""The hash of the inputs, the program and the result of the last verified fit.

Data and step-time model enter through the model's predictions of every case, at the shipped constants
and near them. So rewording a file or rewriting the model without changing its predictions needs no new
fit.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from calibration.early import factors
from calibration.fit import (
    FACTORS,
    PHYSICS,
    Prepared,
    base_constants,
    development_cases,
    log_factors,
    log_sums,
    prepare_cases,
    resolution,
)
from calibration.goodput import implied
from footprint.catalog.files import reference_folder
from footprint.performance.regimes import regime
from footprint.performance.roofline.constants import Constants, load_constants
from footprint.validation.published.memory import published_rows

ROOT = Path(__file__).resolve().parents[1]
VERIFIED = Path(__file__).with_name("verified.txt")
CODE = tuple(
    f"calibration/{name}.py"
    for name in ("fit", "search", "widths", "time_model", "early", "goodput", "anchor", "nearness", "memory")
)
DATA = (
    "assumptions/time*.toml", "assumptions/goodput*.toml", "assumptions/anchor*.toml",
    "assumptions/nearness*.toml", "assumptions/memory*.toml", "fitted_folds.csv", "nearness_folds.csv",
    "memory_folds.csv",
)  # fmt: skip


def digest() -> str:
    """SHA-256 of the inputs, the program and the result of a fit."""
    whole = hashlib.sha256()
    for part in (*_cases(), *_code(), *_data()):
        whole.update(part.encode() + b"\0")
    return whole.hexdigest()


def verified() -> str:
    """The hash of the last verified fit; empty if there is none."""
    return VERIFIED.read_text("utf-8").split()[-1] if VERIFIED.is_file() else ""


def keep() -> None:
    """Write the hash of a fit that was just verified or written."""
    VERIFIED.write_text(f"# Written by `python -m calibration`; never by hand.\n{digest()}\n", "utf-8")


def _cases() -> Iterator[str]:
    """The cases of step times, early runs, goodput and memory, with the model's predictions."""
    cases, base, shipped = development_cases(), base_constants(), load_constants()
    yield from as_fitted(prepare_cases(cases, base), shipped, (*FACTORS, *PHYSICS))
    yield from as_fitted(prepare_cases(cases, shipped, found=True), shipped)
    yield _digits(factor for _, factor in factors(shipped))
    for one in implied():
        yield f"{one.run.id} {one.run.developer} {_digits((one.log_ratio, one.model_log))}"
    for row in published_rows():
        yield f"{row.cells['id']} {row.cells['peak_gib']} {_digits((row.said_byte, row.unsaid_byte))}"


def as_fitted(prepared: Sequence[Prepared], shipped: Constants, names: Iterable[str] = ()) -> Iterator[str]:
    """The cases of the fit: source, regime, and ratio of predicted to published time.

    The ratios are taken at the shipped constants, and with each of ``names`` moved by its resolution.
    """
    for item in prepared:
        case = item.case
        of_case = (item.work, case.precision, case.year, case.native, case.cluster.count)
        kinds = " ".join(regime(*of_case, layout_given=given) for given in (True, False))
        yield f"{case.id} {case.family} {case.publisher} {case.generation} {case.stack} {case.model} {kinds}"
    yield _digits(item.weight for item in prepared)
    moved = [shipped.but(**{name: shipped[name] * (1 + resolution(name))}) for name in names]
    for constants in (shipped, *moved):
        yield _digits(log_sums(prepared, constants))
        yield _digits(log_factors(prepared, constants))


def _digits(numbers: Iterable[float]) -> str:
    """Numbers as text, rounded so that the order of summation does not matter."""
    return " ".join(f"{number:.7g}" for number in numbers)


def _code() -> Iterator[str]:
    """The code of the fit, without its imports."""
    for pattern in CODE:
        for path in sorted(ROOT.glob(pattern)):
            lines = bare_code(path).splitlines()
            kept = (line for line in lines if not line.lstrip().startswith(("import ", "from ")))
            yield "\n".join((path.relative_to(ROOT).as_posix(), *kept))


def bare_code(path: Path) -> str:
    """The code of a module without comments and docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        # A string as a statement is documentation.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(value=None)
    return ast.unparse(tree)


def _data() -> Iterator[str]:
    """The numbers from which the fit starts and its results, without comments."""
    for pattern in DATA:
        for path in sorted(reference_folder().glob(pattern)):
            lines = path.read_text("utf-8").splitlines()
            yield "\n".join((path.name, *(line for line in lines if not line.startswith("#"))))
