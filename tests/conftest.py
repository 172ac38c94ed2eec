"""What every test shares: no user data, no network, one thread, a command line to run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# A shared machine is slow now and then: no deadline. CI repeats the same examples every time.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

# Before torch or numpy are imported: small tests are faster, and steadier, on one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Programs that the tests start get their signals, even where the tests run under nohup or in the background.
for _signal in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, signal.default_int_handler if _signal == signal.SIGINT else signal.SIG_DFL)

Footprint = Callable[..., subprocess.CompletedProcess[str]]

FIRST = (
    "tests/browser/", "tests/tracking/hooks/", "tests/live/", "tests/tracking/faults/", "tests/tracking/run/",
    "tests/tracking/", "tests/architecture/test_wheel", "tests/architecture/test_command_line",
    "tests/decisions/test_fleet", "tests/integrations/", "tests/flops/", "tests/decisions/",
)  # fmt: skip
"""Begun first, in this order: what takes longest, much of it waiting, must not be left for the end."""
APART = (
    "tests/tracking/hooks/", "tests/live/", "tests/tracking/faults/test_faults.py",
    "tests/tracking/journal/test_hostile_journals.py", "tests/tracking/run/test_supervised_program.py",
    "tests/tracking/budget/test_stops.py", "tests/architecture/test_command_line.py",
)  # fmt: skip
"""Long files whose tests share nothing that is costly to make: any worker may take one of their tests."""
SLOW = (
    "tests/browser/", "tests/live/", "tests/tracking/hooks/", "tests/tracking/faults/",
    "tests/tracking/test_module", "tests/tracking/run/test_supervised", "tests/tracking/budget/test_stops",
    "tests/tracking/report/test_recovery", "tests/flops/torch/", "tests/flops/trace/",
    "tests/flops/passes/", "tests/flops/families/", "tests/flops/listing/", "tests/integrations/",
    "tests/fleet/", "tests/decisions/test_fleet", "tests/calibration/", "tests/held/",
    "tests/performance/test_memory_torch", "tests/meters/test_codecarbon", "tests/cli/test_mcp",
    "tests/hostile/", "tests/reports/test_plot", "tests/architecture/test_wheel",
    "tests/architecture/test_command_line",
)  # fmt: skip
"""Rooms of which every test is marked as slow: they start processes, import torch or try many inputs."""
TOGETHER = "tests/browser/"
"""One worker takes all of it: the tests share a browser and a page in which Python has started."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two workers a core for the whole suite, much of which waits; none for a few named tests."""
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return 0
    return min(8, 2 * (os.cpu_count() or 1))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each file on one worker, but for those that are divided and those that stay together."""
    from xdist.scheduler import LoadFileScheduling

    class Units(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith(TOGETHER):
                return TOGETHER
            return nodeid if nodeid.startswith(APART) else super()._split_scope(nodeid)

    return Units(config, log)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``-m "not slow"`` the slow rooms are not even imported: imports are half of their time."""
    if config.option.markexpr != "not slow" or not collection_path.is_relative_to(ROOT):
        return None
    name = collection_path.relative_to(ROOT).as_posix() + ("/" if collection_path.is_dir() else "")
    return True if name.startswith(SLOW) else None


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The rooms of FIRST in its order, then the others as they were; slow rooms marked."""
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
    items.sort(
        key=lambda item: next((n for n, name in enumerate(FIRST) if item.nodeid.startswith(name)), len(FIRST))
    )


@pytest.fixture(autouse=True, scope="session")
def _no_user_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The user's own files and defaults do not count, whoever runs the tests."""
    own = {"FOOTPRINT_DATA": str(tmp_path_factory.mktemp("no-user-data")), "FOOTPRINT_IGNORE_DEFAULTS": "1"}
    own["FOOTPRINT_TODAY"] = "2026-11-15"  # ages do not grow while the tests do not change
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """A connection to another machine fails the test that makes it."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: object, /) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0]) if isinstance(address, tuple) else str(address)
            if not host.startswith("127.") and host not in ("::1", "localhost"):
                pytest.fail(f"network call to {address}")
        connect(self, address)  # type: ignore[arg-type]

    socket.socket.connect = refuse  # type: ignore[method-assign]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture
def own_process(tmp_path: Path) -> Footprint:
    """Run ``footprint ARGUMENTS`` as a program of its own, from an empty folder.

    For what depends on a process: its streams, its start, its end, what is not installed. A start takes
    half a second of processor time, with torch ten: `footprint` is for everything else.
    """

    def run(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "footprint", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )

    return run


@pytest.fixture
def footprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Footprint:
    """Run ``footprint ARGUMENTS`` in this process, from an empty folder: what it imports is imported once."""

    def run(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        from tests.cli.run import footprint

        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            for name, value in (environment or {}).items():
                patch.setenv(name, value)
            done = footprint(*arguments)
        return subprocess.CompletedProcess(arguments, done.code, done.out, done.err)

    return run
