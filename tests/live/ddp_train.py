"""A small model trained on several ranks that add their gradients up over gloo, tracked on every rank.

Torch's optimisers and DistributedDataParallel import its compiler, half of what a rank would take to start.
"""

import json
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

import footprint


def train(given: str) -> None:
    """Train as the options in JSON say."""
    options = json.loads(given)
    steps, die_at, die_rank = options.pop("steps", 40), options.pop("die_at", -1), options.pop("die_rank", -1)
    pause_s = options.pop("pause_s", 0.02)
    restart = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
    torch.set_num_threads(1)
    # torchrun's agent keeps one store over its restarts, and torch 2.13 writes to it without a prefix: a
    # restarted rank now and then connects to the address of one that is dead. A prefix for each restart
    # keeps them apart.
    rank, world_size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    agent_store = dist.TCPStore(
        os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), world_size,
        is_master=rank == 0 and os.environ["TORCHELASTIC_USE_AGENT_STORE"] != "True",
    )  # fmt: skip
    dist.init_process_group(
        "gloo", store=dist.PrefixStore(f"restart-{restart}", agent_store), rank=rank, world_size=world_size,
        timeout=timedelta(seconds=60),
    )  # fmt: skip
    torch.manual_seed(0)
    model = torch.nn.Linear(16, 1)
    torch.manual_seed(rank)
    done = 0
    with footprint.track(meter="constant:360kW", flush_s=0.1, pue=1.0, **options) as run:
        for _ in range(steps):
            x = torch.randn(8, 16)
            loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
            loss.backward()
            for weight in model.parameters():
                dist.all_reduce(weight.grad)
                weight.data -= 0.1 / world_size * weight.grad
                weight.grad = None
            time.sleep(pause_s)
            done += 1
            if restart == 0 and rank == die_rank and done == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            run.step(tokens=128)
    Path(f"done-{rank}-{restart}").write_text(f"{run.status} {done}")
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    train(sys.argv[1])
