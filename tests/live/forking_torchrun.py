"""``torchrun`` whose ranks are forks of its agent: torch is imported once, not by each of them.

Its arguments, rendezvous, environment variables, restarts and ends are torchrun's own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ddp_train
from torch.distributed import run
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

import footprint.tracking.run.run  # noqa: F401 - what a rank would import when it tracks


def forking(config: LaunchConfig, entrypoint: Any) -> Callable[..., Any]:
    """Launch the training where torchrun would start its script, with the last argument of the script."""
    return lambda *words: elastic_launch(replace(config, start_method="fork"), ddp_train.train)(words[-1])


run.elastic_launch = forking
run.main(sys.argv[1:])
