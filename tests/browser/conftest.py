"""The page, built once for all test files, and a Chromium that opens it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.serving import served
from tests.conftest import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
STARTED_MS = 240_000
"""Python starts in a second or two on a machine with nothing else to do."""
WAIT_MS = 60_000


def answered(page: Any, command: str) -> None:
    """Wait for the answer that this command would print."""
    page.wait_for_selector(f"body[data-answered={json.dumps(command)}]", timeout=WAIT_MS)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ``site/build.py`` writes; made by the first test process that needs it."""
    from filelock import FileLock

    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "page-site"
    with FileLock(shared / "page-site.lock"):
        if not (folder / "sw.js").is_file():
            build = [sys.executable, str(ROOT / "site" / "build.py"), str(folder)]
            done = subprocess.run(build, capture_output=True, text=True, check=False)
            if done.returncode:
                missing = shutil.which("npm") is None
                (pytest.skip if missing else pytest.fail)(f"the page was not built: {done.stderr[-500:]}")
    return folder


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which says what not everybody can read or use of a page."""
    if shutil.which("npm") is None:
        pytest.skip("npm fetches axe-core")
    find = "import fetch; print(fetch.npm_package('axe-core'))"
    archive = subprocess.check_output([sys.executable, "-c", find], cwd=ROOT / "site", text=True).strip()
    with tarfile.open(archive) as opened:
        member = opened.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode()


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """The address of the page."""
    with served(site) as url:
        yield url


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """A Chromium without a window, closed before other rooms: its driver keeps an event loop running."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def page(chromium: Any, address: str) -> Iterator[Any]:
    """The page with Python started, for all tests; what it says to the console or asks of others fails."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    trouble: list[str] = []
    opened.on(
        "console", lambda said: trouble.append(said.text) if said.type in ("error", "warning") else None
    )
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    context.on("request", lambda one: None if one.url.startswith(address) else trouble.append(one.url))
    opened.goto(address)
    opened.wait_for_selector("body[data-ready]", timeout=STARTED_MS)
    yield opened
    context.close()
    assert not trouble


@pytest.fixture
def from_the_start(request: pytest.FixtureRequest) -> None:
    """Each test begins with the scenario of a fresh page."""
    if "page" in request.fixturenames:
        page = request.getfixturevalue("page")
        page.evaluate(
            """() => {
              const { state } = window.footprint;
              state.config = null;
              state.fields = { model: 'bert-base', hw: 'v100:8' };
              state.changed(null);
            }"""
        )
        answered(page, "footprint estimate --model bert-base --hw v100:8")
