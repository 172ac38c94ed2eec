"""The wheel, built and installed into a fresh environment, works from any directory without a network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.architecture.test_network import ANY, WATCH
from tests.conftest import ROOT

pytestmark = pytest.mark.slow
COPIED = (
    "calibration",
    "footprint",
    "hardware_profiles",
    "reference_data",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "NOTICE",
)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a fresh environment with the wheel, and with this environment's packages behind it.

    They stand last on the path, and their .pth files are not read: an editable installation of
    this checkout cannot be what is imported.
    """
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(build, capture_output=True, check=True)
    (wheel,) = folder.glob("footprint_ml-*.whl")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    install = [*pip, "install", "--quiet", "--no-compile", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, capture_output=True, check=True)
    site = next((folder / "env" / "lib").glob("python*/site-packages"))
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    (site / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    shutil.rmtree(source)
    return python


def run(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program of the fresh environment: nothing of the checkout on its path, every socket refused."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "FOOTPRINT"))}
    return subprocess.run(
        [str(python.with_name(arguments[0])), *arguments[1:]],
        cwd=folder,
        env={**kept, "WATCHED": ANY, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_main_job_runs_from_another_directory(python: Path, tmp_path: Path) -> None:
    done = run(
        python,
        tmp_path,
        "footprint",
        "estimate",
        "--model",
        "bert-base",
        "--hw",
        "v100x8",
        "--format",
        "json",
    )
    assert done.returncode == 0, done.stderr
    here = [
        sys.executable,
        "-m",
        "footprint",
        "estimate",
        "--model",
        "bert-base",
        "--hw",
        "v100x8",
        "--format",
        "json",
    ]
    checkout = subprocess.run(here, cwd=ROOT, capture_output=True, text=True, check=True)
    theirs, ours = json.loads(done.stdout), json.loads(checkout.stdout)
    assert {**theirs, "created_at": ""} == {**ours, "created_at": ""}


def test_it_is_the_wheel_that_runs(python: Path, tmp_path: Path) -> None:
    done = run(python, tmp_path, "python", "-c", "import footprint; print(footprint.__file__)")
    assert Path(done.stdout.strip()).is_relative_to(python.parents[1])


def test_the_wheel_brings_every_data_file_and_no_other(python: Path) -> None:
    site = next((python.parents[1] / "lib").glob("python*/site-packages"))
    for name in ("hardware_profiles", "reference_data"):
        assert digests(site / "footprint" / "_data" / name) == digests(ROOT / name)
    assert (site / "footprint" / "py.typed").exists()
    licences = next(site.glob("footprint_ml-*.dist-info")) / "licenses"
    assert digests(licences) == {name: digests(ROOT)[name] for name in ("LICENSE", "NOTICE")}
    assert not any((site / name).exists() for name in ("benchmarks", "calibration", "tests"))
    metadata = next(site.glob("footprint_ml-*.dist-info"))
    files = [line.partition(",")[0] for line in (metadata / "RECORD").read_text("utf-8").splitlines()]
    tops = {name.partition("/")[0] for name in files}
    assert tops - {"..", metadata.name} == {"footprint"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", "strubell"],
        ["hardware", "show", "v100"],
        ["regions", "show", "FRA"],
        ["models", "list"],
        ["--version"],
    ],
    ids=" ".join,
)
def test_other_commands_find_their_data(arguments: list[str], python: Path, tmp_path: Path) -> None:
    done = run(python, tmp_path, "footprint", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_core_asks_for_no_torch(python: Path) -> None:
    metadata = (
        next((python.parents[1] / "lib").glob("python*/site-packages/footprint_ml-*.dist-info")) / "METADATA"
    )
    needed = [
        line
        for line in metadata.read_text(encoding="utf-8").splitlines()
        if line.startswith("Requires-Dist:")
    ]
    core = {
        line.split()[1].partition(">")[0].partition("<")[0].lower()
        for line in needed
        if "extra ==" not in line
    }
    assert core == {
        "click", "codecarbon", "jinja2", "matplotlib", "pandas", "platformdirs", "pydantic", "rapidfuzz",
        "rich", "ruamel-yaml", "tomli-w",
    }  # fmt: skip
