"""Call the command line in this process, as the console script does."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass

from footprint.cli import main
from tests.cli.hints import foreign


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def footprint(*args: str) -> Outcome:
    """Exit code, stdout and stderr of ``footprint ARGS``."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(list(args))
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    assert not foreign(args, *texts), f"{args} says {foreign(args, *texts)}, which it does not have: {texts}"
    return Outcome(code, *texts)
