"""Build the site, the page and its documentation, as static files: ``python site/build.py OUT``.

npm and the package index are reached here, and never by the page. The folder can be copied to any host
of static files; it needs no server of ours. The documentation (`OUT/docs`, by ``documentation.py``) needs
the extra ``docs``; `--page-only` leaves it out.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import lzma
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import fetch

from footprint.cli.page import files

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")


def build(out: Path, own: Path | None = None, *, with_docs: bool = True) -> None:
    """Write the page and the documentation into a folder that is empty or holds an older page."""
    if out.exists() and any(out.iterdir()) and not (out / "sw.js").is_file():
        raise SystemExit(f"{out}: holds something else than a page; give an empty folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        page = Path(folder) / "page"
        _write(page, own, {"docs": "docs/index.html"} if with_docs else {})
        if with_docs:
            import documentation

            documentation.build(page / "docs", beside_the_page=True)
        shutil.rmtree(out, ignore_errors=True)
        page.rename(out)


def _write(out: Path, own: Path | None, links: dict[str, str]) -> None:
    python = out / "python"
    python.mkdir(parents=True)
    pyodide = fetch.npm_package("pyodide")
    for name in RUNTIME:
        (python / name).write_bytes(fetch.member(pyodide, name))
    lock = json.loads(fetch.member(pyodide, "pyodide-lock.json"))
    lock["packages"] = {}  # those of Pyodide's own distribution, which the page does not load
    (python / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    (python / "packages.zip.xz").write_bytes(_packed([own or _own_wheel(), *fetch.wheels()]))
    for name, content in files.page_files({"engine": "pyodide", **links}).items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(content)
    _write_service_worker(out)


def _packed(wheels: list[Path]) -> bytes:
    """The files of all wheels, compressed as one: two thirds of what they take one by one."""
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as target:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as source:
                for name in source.namelist():
                    target.writestr(zipfile.ZipInfo(name), source.read(name))
    return lzma.compress(stored.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def _own_wheel() -> Path:
    """The wheel of this checkout."""
    folder = Path(tempfile.mkdtemp(prefix="footprint-wheel-"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.whl"))


def _write_service_worker(out: Path) -> None:
    """The service worker with the list of files that it keeps, named by their content."""
    listed = sorted(
        p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file() and p.name != "sw.js"
    )
    digest = hashlib.sha256()
    for name in listed:
        digest.update(name.encode() + b"\0" + (out / name).read_bytes())
    head = f"const VERSION = {json.dumps(digest.hexdigest()[:16])};\nconst FILES = {json.dumps(listed)};\n"
    worker = out / "sw.js"
    worker.write_text(head + worker.read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the folder to write")
    parser.add_argument("--wheel", type=Path, help="a wheel of footprint-ml that is built already")
    parser.add_argument("--page-only", action="store_true", help="without the documentation")
    given = parser.parse_args()
    build(given.out, given.wheel, with_docs=not given.page_only)
    total = sum(path.stat().st_size for path in given.out.rglob("*") if path.is_file())
    print(
        f"{given.out}: {total / 1e6:.1f} MB, as they are; serve the folder, e.g. python -m http.server -d OUT"
    )
