"""One call of the trained module, traced for its operations in a forked copy of the program.

A trace in the program itself could change it: random numbers, buffers, caches, flags of torch. The copy has
its own memory, and what it writes to open files goes nowhere. It ends by itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Any, NoReturn

from footprint.tracking.process.ending import described

MOST_S = 120
"""A copy that takes longer ends."""
MOST_BYTE = 65536
TRACED = "traced"


def why_not(module: Any) -> str:
    """Why a module cannot be traced in a copy of its process; nothing if it can."""
    if not hasattr(os, "fork"):
        return "this system cannot copy a process"
    for part in module.modules():
        if type(part).__name__ == "OptimizedModule" or getattr(part, "_compiled_call_impl", None) is not None:
            return "it is compiled"
        if "FullyShardedDataParallel" in type(part).__name__ or type(part).__name__.startswith("FSDP"):
            return "its weights are sharded"
    weights = list(module.parameters())
    if any(type(w).__name__ == "DTensor" or hasattr(w, "ds_id") or not w.numel() for w in weights):
        return "its weights are sharded"
    return ""


def begin_trace(module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> int:
    """Start the copy; the end of a pipe that will hold its answer, read by `answer_of`.

    Raises:
        OSError: no copy could be made.
    """
    read, write = os.pipe()
    child = 0
    try:
        child = os.fork()
        if child == 0:
            _in_the_child(write, module, arguments, keywords)
    except DeprecationWarning:
        pass  # that other threads are not copied; where warnings are errors, the copy is there all the same
    except OSError:
        os.close(read)
        raise
    finally:
        os.close(write)
    if child:
        with contextlib.suppress(ChildProcessError):  # the program may wait for children itself
            os.waitpid(child, 0)
    return read


def answer_of(read: int) -> tuple[str, str]:
    """The operation file, or nothing and why there is none; waits for the end of the copy."""
    with os.fdopen(read, "rb") as pipe:
        kind, _, text = pipe.read(MOST_BYTE).decode(errors="replace").partition("\n")
    if kind == TRACED:
        return text, ""
    return "", text or "the trace did not end"


def _in_the_child(write: int, module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> NoReturn:
    """Copy once more and end, so that the program has no child that it does not know; then trace."""
    try:
        if os.fork() == 0:
            _cut_off(write)
            try:
                answer = f"{TRACED}\n{_traced(module, arguments, keywords)}"
            except Exception as error:  # noqa: BLE001 - whatever a module does, it is said
                answer = f"failed\n{described(error)}"
            os.write(write, answer.encode(errors="replace"))
    finally:
        os._exit(0)


def _cut_off(write: int) -> None:
    """Leave nothing through which the copy could reach the program, its files or its peers."""
    import gc

    gc.disable()  # what is collected could remove files
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.alarm(MOST_S)
    nowhere = os.open(os.devnull, os.O_RDWR)
    try:
        opened = [int(entry.name) for entry in Path("/dev/fd").iterdir()]
    except OSError:
        opened = list(range(3, 1024))
    for descriptor in {0, 1, 2, *opened} - {write, nowhere}:
        with contextlib.suppress(OSError):  # that of the list is closed again
            os.fstat(descriptor)
            os.dup2(nowhere, descriptor)  # a module may write to its log, which is then written nowhere
    with contextlib.suppress(OSError):
        os.nice(5)


def _traced(module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> str:
    import torch

    from footprint.estimator.modules import kept
    from footprint.flops.trace.calls import Call
    from footprint.flops.trace.door import trace_made

    torch.set_num_threads(1)  # the other threads are not here
    torch.cuda.is_available = lambda: False  # nor is the device, which autocast would ask for its formats
    for device in ("cuda", "cpu"):
        torch.set_autocast_enabled(device, False)
    if torch.distributed.is_available():
        torch.distributed.is_initialized = lambda: False  # no peer answers a copy
    held = _Emptied(module)

    def made() -> tuple[Any, Any]:
        held.empty()
        return module, Call(*held.without_data((arguments, keywords)))

    return str(kept(trace_made(made)))


class _Emptied:
    """A module whose tensors are made anew without data, on torch's default device of the moment.

    The old ones are kept: memory that is shared with other processes must not be given back here.
    """

    def __init__(self, module: Any) -> None:
        import torch

        self._places: list[tuple[dict[str, Any], str, torch.Tensor]] = []
        for part in module.modules():
            for held in (part._parameters, part._buffers, vars(part)):
                self._places += [(held, name, t) for name, t in held.items() if isinstance(t, torch.Tensor)]

    def empty(self) -> None:
        """Put tensors without data in the place of all; one that stands in several places stays one."""
        import torch

        made: dict[int, torch.Tensor] = {}
        for held, name, tensor in self._places:
            if id(tensor) not in made:
                new = _like(tensor)
                if isinstance(tensor, torch.nn.Parameter):
                    new = torch.nn.Parameter(new, requires_grad=tensor.requires_grad)
                made[id(tensor)] = new
            held[name] = made[id(tensor)]

    def without_data(self, nested: Any) -> Any:
        """The same of the arguments of a call."""
        import torch
        from torch.utils._pytree import tree_map

        return tree_map(lambda one: _like(one) if isinstance(one, torch.Tensor) else one, nested)


def _like(tensor: Any) -> Any:
    """A tensor of this shape and type; a small one of whole numbers keeps its data where it can."""
    import torch

    from footprint.flops.trace.constants import SMALL

    made = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype)
    if made.is_meta or tensor.device.type != "cpu" or tensor.numel() > SMALL or tensor.is_floating_point():
        return made
    return tensor.detach()
