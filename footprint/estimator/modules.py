"""A PyTorch module in the place of a model's name: its operation list is traced and kept in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footprint.errors import FootprintError

if TYPE_CHECKING:
    from footprint.flops.trace.door import Traced

ENDING = ".ops.json"


def model_file(module: Any, inputs: Any) -> tuple[str, int]:
    """The operation file of a module on a batch, and the samples of that batch.

    The file lies in the user's data folder, else in a temporary one, so that a later command (a
    report, a recovery) reads what was traced.

    Raises FootprintError for a module that cannot be traced.
    """
    from footprint.flops.trace.door import trace

    if isinstance(module, str):
        raise FootprintError("`inputs=` belongs to a module: leave it out beside the name of a model")
    if inputs is None:
        raise FootprintError("`model=` is a module: give `inputs=`, the batch that it is called with")
    traced = trace(module, inputs)
    return str(kept(traced)), int(traced.model.samples)


def traced_function(target: str) -> Traced:
    """The trace of what a function returns, a module and its inputs; ``target`` is ``pkg.mod:function``.

    Raises FootprintError for a target that is no function, and for what cannot be traced.
    """
    from footprint.flops.trace.door import trace_made

    return trace_made(_function(target))


def text_of(traced: Traced) -> str:
    """The operation file of a trace."""
    from footprint.flops.listing.written import as_config, as_text

    return as_text(
        as_config(
            traced.model,
            traced.once,
            _name_or_path=traced.name,
            sequence_length=traced.sequence_length,
            target_sequence_length=traced.target_sequence_length,
            image_size=traced.image_size,
            remarks=list(traced.remarks),
        )
    )


def kept(traced: Traced) -> Path:
    """The operation file of a trace, in the user's folder, else in a temporary one."""
    import hashlib
    import tempfile

    from footprint.catalog.files import user_folder

    text = text_of(traced)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    for folder in (user_folder() / "traced", Path(tempfile.gettempdir()) / "footprint-traced"):
        path = folder / f"{traced.name}-{digest}{ENDING}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return path
    raise FootprintError("no folder can be written to keep the traced operations: set FOOTPRINT_DATA")


def _function(target: str) -> Callable[[], Any]:
    import importlib
    import sys

    module_name, colon, name = target.partition(":")
    if not colon or not module_name or not name:
        raise FootprintError(f"{target[:100]!r} is no function: write it as package.module:function")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # as `python -m` has it
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        said = next(iter(str(error).splitlines()), "")[:240]
        raise FootprintError(f"cannot import {module_name[:100]}: {type(error).__name__}: {said}") from error
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise FootprintError(f"{module_name[:100]} has no function {name[:100]!r}")
    return found  # type: ignore[no-any-return]  # whatever can be called
