"""Which process of which run this is: launcher, ranks, node, and the name the ranks share.

Only environment variables and the process table are read; no collective is ever called.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from footprint.errors import FootprintError
from footprint.records import record
from footprint.tracking.process.liveness import boot_id, is_alive, process_image, process_start

PARENT_RUN = "FOOTPRINT_PARENT_RUN"
"""Set by ``footprint run`` for its child: ``<boot id>:<run id>``; the parent counts the node's energy."""
RUN_ID = "FOOTPRINT_RUN_ID"
MOST_PROCESSES = 10_000_000
"""A larger number of processes or nodes of a launch is taken for an error."""
NAME_RULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@record
class Identity:
    """One process of a run, as its journal's first line states it."""

    host: str
    boot_id: str
    pid: int
    process_start: str = ""
    """When the process started, in the kernel's ticks: tells a number used twice apart."""
    launcher: str
    """``none``, ``torchrun``, ``slurm`` or ``mpi``."""
    rank: int = 0
    local_rank: int = 0
    world_size: int = 1
    local_world_size: int = 1
    node_rank: int = 0
    nodes: int = 1
    restart: int = 0
    launch: str = ""
    """The same for all processes of one launch on this node; differs after a restart."""
    job: str = ""
    """What a launch is called on every node (rendezvous address, Slurm step), where known."""
    metered_by_parent: bool = False
    image: str = ""
    """Which program the process runs: differs after ``os.execv``, which keeps number and start."""

    @property
    def alive(self) -> bool:
        """Whether this process still runs, on this start of this machine."""
        return is_alive(self.boot_id, self.pid, self.process_start, self.image)

    @property
    def counts_node(self) -> bool:
        """Whether this process reads the energy of its node's processor and memory."""
        return self.local_rank == 0 and not self.metered_by_parent

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return asdict(self)


def program_of(launch: str) -> str:
    """A launch without the number of the run among those of its process, in which ranks may differ."""
    return launch.partition("#")[0]


def _number(environ: Mapping[str, str], *names: str, default: int = 0) -> int:
    for name in names:
        text = environ.get(name, "")
        if text.isascii() and text.isdecimal() and len(text) < 10 and int(text) <= MOST_PROCESSES:
            return int(text)
    return default


def parent_run(environ: Mapping[str, str], boot: str) -> str | None:
    """The run of the ``footprint run`` above this process, on this start of this machine; a name, no path."""
    where, _, run_id = environ.get(PARENT_RUN, "").partition(":")
    return run_id if where == boot and NAME_RULE.fullmatch(run_id) else None


def identify(environ: Mapping[str, str] | None = None) -> Identity:
    """This process, from its launcher's variables: torchrun, else a Slurm step, else MPI, else alone."""
    environ = os.environ if environ is None else environ
    boot = boot_id()
    common: dict[str, Any] = {
        "host": socket.gethostname() or "localhost",
        "boot_id": boot,
        "pid": os.getpid(),
        "process_start": process_start(os.getpid()),
        "image": process_image(os.getpid()),
        "metered_by_parent": parent_run(environ, boot) is not None,
    }
    alone = f"{os.getpid()}.{process_start(os.getpid())}.{process_image(os.getpid())}"
    parent = f"{os.getppid()}.{process_start(os.getppid())}"
    if "TORCHELASTIC_RUN_ID" in environ and "RANK" in environ:
        restart = _number(environ, "TORCHELASTIC_RESTART_COUNT")
        rendezvous = environ["TORCHELASTIC_RUN_ID"]
        address = f"{environ.get('MASTER_ADDR', '')}:{environ.get('MASTER_PORT', '')}"
        return Identity(
            **common,
            launcher="torchrun",
            rank=_number(environ, "RANK"),
            local_rank=_number(environ, "LOCAL_RANK"),
            world_size=_number(environ, "WORLD_SIZE", default=1),
            local_world_size=_number(environ, "LOCAL_WORLD_SIZE", default=1),
            node_rank=_number(environ, "GROUP_RANK"),
            nodes=_number(environ, "GROUP_WORLD_SIZE", default=1),
            restart=restart,
            launch=f"{parent}.{restart}",
            job=f"{rendezvous}@{address}" if rendezvous == "none" else rendezvous,
        )
    if _number(environ, "SLURM_STEP_NUM_TASKS", default=1) > 1 and environ.get("SLURM_STEP_ID", "").isdigit():
        restart = _number(environ, "SLURM_RESTART_COUNT")
        tasks = _number(environ, "SLURM_STEP_NUM_TASKS", default=1)
        nodes = _number(environ, "SLURM_STEP_NUM_NODES", "SLURM_NNODES", default=1)
        node_rank = _number(environ, "SLURM_NODEID")
        return Identity(
            **common,
            launcher="slurm",
            rank=_number(environ, "SLURM_PROCID"),
            local_rank=_number(environ, "SLURM_LOCALID"),
            world_size=tasks,
            local_world_size=_tasks_on_node(environ.get("SLURM_STEP_TASKS_PER_NODE", ""), node_rank, tasks),
            node_rank=node_rank,
            nodes=nodes,
            restart=restart,
            launch=f"{environ.get('SLURM_JOB_ID')}.{environ['SLURM_STEP_ID']}.{restart}",
            job=f"slurm-{environ.get('SLURM_JOB_ID')}.{environ['SLURM_STEP_ID']}",
        )
    if "OMPI_COMM_WORLD_RANK" in environ:
        size = _number(environ, "OMPI_COMM_WORLD_SIZE", default=1)
        local = max(1, _number(environ, "OMPI_COMM_WORLD_LOCAL_SIZE", default=1))
        return Identity(
            **common,
            launcher="mpi",
            rank=_number(environ, "OMPI_COMM_WORLD_RANK"),
            local_rank=_number(environ, "OMPI_COMM_WORLD_LOCAL_RANK"),
            world_size=size,
            local_world_size=local,
            node_rank=_number(environ, "OMPI_COMM_WORLD_NODE_RANK"),
            nodes=max(1, -(-size // local)),
            launch=parent,
            job=environ.get("PMIX_NAMESPACE", ""),
        )
    return Identity(**common, launcher="none", launch=alone)


def _tasks_on_node(text: str, node_rank: int, tasks: int) -> int:
    """Tasks on one node from Slurm's list, such as ``4(x2),3``."""
    node = 0
    for part in text[:100_000].split(","):
        match = re.fullmatch(r"([0-9]{1,8})(?:\(x([0-9]{1,8})\))?", part.strip())
        if match is None:
            return tasks
        node += int(match.group(2) or 1)
        if node > node_rank:
            return int(match.group(1))
    return tasks


def check_run_id(given: str) -> None:
    """FootprintError for a name that cannot be a folder's."""
    if not NAME_RULE.fullmatch(given):
        raise FootprintError(
            f"run_id: {given[:64]!r} cannot name a folder; use letters, digits, '.', '_' and '-', at most 100"
        )


def run_name(given: str | None, who: Identity, sequence: int, environ: Mapping[str, str]) -> tuple[str, bool]:
    """The run's identifier, and whether every process of the launch arrives at the same one.

    Raises:
        FootprintError: a given name that cannot be a folder's name.
    """
    if who.metered_by_parent:
        return environ[PARENT_RUN].partition(":")[2], True
    later = f"-{sequence}" if sequence > 1 else ""
    if given:
        later = ""  # the same name again is the same run, resumed
    given = given or environ.get(RUN_ID) or None
    if given is not None:
        check_run_id(given)
        return f"{given}{later}", True
    if who.launcher == "none":
        return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}", True
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", who.job or who.launcher).strip("-.")[:60] or who.launcher
    if who.launcher == "slurm" or (who.nodes > 1 and not who.job.startswith("none@") and who.job):
        return f"{readable}{later}", True
    # The launch is unique on its node; on several nodes without a shared name each has its own
    # identifier, and merging goes by the job's address and the time (`footprint.tracking.totals.run_totals`).
    launch = who.launch.rpartition(".")[0] if who.launcher == "torchrun" else who.launch
    unique = hashlib.sha256(f"{who.boot_id}{launch}".encode()).hexdigest()[:8]
    return f"{readable}-{unique}{later}", who.nodes == 1
