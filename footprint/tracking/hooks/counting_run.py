"""The run of a program that knows nothing of it: part of its supervisor's, silent, without signals."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping

from footprint.tracking.process.identity import identify
from footprint.tracking.run.run import Run
from footprint.tracking.settings.arguments import Settings


def counting_run(ranks: Mapping[str, str]) -> Run:
    """A run that has begun; ``ranks`` are variables of a launcher that torch knows better."""
    run = Run(Settings(by_hooks=True, quiet=True, progress=False))
    run.begin_unseen(identify({**os.environ, **ranks}))
    return run


def ranks_of_torch() -> dict[str, str]:
    """The variables that torchrun would have set, from a process group that the program made itself.

    Processes that `torch.multiprocessing.spawn` starts have no variables of a launcher. They are taken for
    the ranks of one node, unless their rendezvous is elsewhere.
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return {}
    rank, size = str(distributed.get_rank()), str(distributed.get_world_size())
    if os.environ.get("WORLD_SIZE") == size and "TORCHELASTIC_RUN_ID" in os.environ:
        return {"WORLD_SIZE": size}
    here = os.environ.get("MASTER_ADDR", "localhost") in ("localhost", "127.0.0.1", "::1")
    if not here and "LOCAL_WORLD_SIZE" not in os.environ:
        return {"WORLD_SIZE": size}
    return {
        "TORCHELASTIC_RUN_ID": "none",
        "RANK": rank,
        "WORLD_SIZE": size,
        "LOCAL_RANK": os.environ.get("LOCAL_RANK", rank),
        "LOCAL_WORLD_SIZE": os.environ.get("LOCAL_WORLD_SIZE", size),
    }


def at_end_of_a_child(call: Callable[[], None]) -> None:
    """Have it called where this process was started by `multiprocessing`, whose children skip `atexit`."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, call, exitpriority=100)
