"""The door to Dask: tasks on the workers of a scheduler that already runs, their results in order.

Dask sends the tasks, keeps the workers busy and repeats the tasks of a lost worker. What it needs is in the
extra ``fleet``. Dask sends Python objects, which can hold code: give it only a scheduler that you trust.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from footprint.errors import FootprintError

TIMEOUT_S = 10.0
"""How long a scheduler has to answer, and to find a worker."""
_Common = TypeVar("_Common")
_Task = TypeVar("_Task")
_Result = TypeVar("_Result")
_ADDRESS = re.compile(r"(tcp|tls)://[^\s/:]+:\d{1,5}|(tcp|tls)://\[[0-9a-fA-F:]+\]:\d{1,5}")
_AHEAD = 4
"""Tasks that each thread of a worker has waiting or done."""


def checked_address(scheduler: str) -> str:
    """The address of a scheduler, as it was given.

    Raises FootprintError for what is not ``tcp://host:port`` or ``tls://host:port``.
    """
    if not _ADDRESS.fullmatch(scheduler):
        raise FootprintError(f"`scheduler=` is tcp://host:port or tls://host:port, not {scheduler!r}")
    return scheduler


def in_order(
    scheduler: str, function: Callable[[_Common, _Task], _Result], common: _Common, tasks: Iterable[_Task]
) -> Iterator[_Result]:
    """``function(common, task)`` for each task, on the workers; yields the results in the order of the tasks.

    The scheduler is called at once, before the first result is asked for. Function, tasks and results are
    pickled; ``common`` is sent once. Only a few results wait, however many tasks there are. An exception of
    ``function`` is raised here.

    Raises FootprintError for a scheduler that does not answer, has no worker, or is lost on the way.
    """
    return _results(_connected(checked_address(scheduler)), scheduler, function, common, tasks)


def _results(
    client: Any,
    scheduler: str,
    function: Callable[[_Common, _Task], _Result],
    common: _Common,
    tasks: Iterable[_Task],
) -> Iterator[_Result]:
    try:
        ahead = max(_AHEAD * sum(client.nthreads().values()), _AHEAD)
        sent = client.submit(_same, common, pure=False)
        waiting: deque[Any] = deque()
        for task in tasks:
            waiting.append(client.submit(function, sent, task, pure=False))
            if len(waiting) == ahead:
                yield _result(client, waiting.popleft(), scheduler)
        while waiting:
            yield _result(client, waiting.popleft(), scheduler)
    finally:
        client.close(timeout=TIMEOUT_S)


def _same(common: _Common) -> _Common:
    return common


def _connected(scheduler: str) -> Any:
    try:
        import dask.config

        with dask.config.set({"logging.distributed": "critical"}):  # failures are raised, not logged
            from distributed import Client
    except ImportError:
        raise FootprintError(
            "`scheduler=` needs the packages dask and distributed: pip install 'footprint-ml[fleet]'"
        ) from None
    try:
        client = Client(scheduler, timeout=TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError):  # a time-out is an OSError
        raise FootprintError(
            f"no Dask scheduler answers at {scheduler} within {TIMEOUT_S:g} s: start one with "
            "`dask scheduler`, or leave `scheduler=` out"
        ) from None
    try:
        client.wait_for_workers(1, timeout=TIMEOUT_S)
    except TimeoutError:
        client.close(timeout=TIMEOUT_S)
        raise _without_workers(scheduler) from None
    return client


def _result(client: Any, future: Any, scheduler: str) -> Any:
    """The result of a task; the scheduler is asked for its workers while it is long in coming."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker

    try:
        while True:
            try:
                return future.result(timeout=TIMEOUT_S)
            except TimeoutError:
                if not client.nthreads():
                    raise _without_workers(scheduler) from None
    except KilledWorker:
        raise FootprintError(
            f"the workers of {scheduler} end again and again at one task: see their logs; "
            "too little memory is the usual reason"
        ) from None
    except (CancelledError, OSError):
        raise FootprintError(f"the Dask scheduler at {scheduler} was lost") from None


def _without_workers(scheduler: str) -> FootprintError:
    return FootprintError(f"the Dask scheduler at {scheduler} has no worker: start some with `dask worker`")
