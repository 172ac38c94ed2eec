"""Build the documentation as a folder of static files: ``python site/documentation.py OUT``.

The pages are the Markdown of ``docs/`` and of the repository's root, and those that ``reference.py`` writes
from docstrings and data. Zensical (the extra ``docs``) makes HTML of them. A lost link stops the build.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ICON = ROOT / "footprint" / "cli" / "page" / "static" / "icon.svg"
FROM_THE_ROOT = {
    "README.md": "introduction.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md", "reference_data/sources/README.md": "reference/sources.md",
}  # fmt: skip
"""Pages that stand elsewhere in the repository, and their names on the site."""
ATTEMPTS, LONGEST_S = 3, 240
"""It takes four seconds of a free core."""
TO_THE_PAGE = "\nThe calculator itself: [open it](../index.html).\n"
LINK = re.compile(r"(!?)\[([^\]\n]*(?:\[[^\]]*\][^\]\n]*)*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"^( *)```.*?^\1```\s*$", re.DOTALL | re.MULTILINE)


def build(out: Path, *, beside_the_page: bool = False) -> None:
    """Write the documentation into a folder that is empty or holds an older one."""
    if out.exists() and any(out.iterdir()) and not (out / "search.json").is_file():
        raise SystemExit(f"{out}: holds something else than documentation; give an empty folder")
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        project = Path(folder)
        write_pages(project / "docs")
        if beside_the_page:
            index = project / "docs" / "index.md"
            index.write_text(index.read_text(encoding="utf-8") + TO_THE_PAGE, encoding="utf-8")
        config = project / "zensical.toml"
        shutil.copyfile(HERE / "zensical.toml", config)
        made_html(config)
        shutil.rmtree(out, ignore_errors=True)
        (project / "out").rename(out)


def made_html(config: Path) -> None:
    """Run Zensical in a process of its own, and again if it hangs: its threads once waited for each other."""
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(config)]
    for _ in range(ATTEMPTS):
        try:
            done = subprocess.run(command, cwd=config.parent, check=False, timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            continue
        if done.returncode:
            raise SystemExit("the documentation was not built: see above")
        return
    raise SystemExit(f"Zensical did not end within {LONGEST_S} s, {ATTEMPTS} times")


def write_pages(folder: Path) -> None:
    """Every page as Markdown, with the files beside them; links lead from page to page of the site."""
    pages = {source: PurePosixPath(source).relative_to("docs").as_posix() for source in _below("docs")}
    pages |= FROM_THE_ROOT
    for source, page in pages.items():
        target = folder / page
        target.parent.mkdir(parents=True, exist_ok=True)
        if page.endswith(".md"):
            text = (ROOT / source).read_text(encoding="utf-8")
            target.write_text(relinked(text, source, page, pages), encoding="utf-8")
        else:
            shutil.copyfile(ROOT / source, target)
    (folder / "reference").mkdir(exist_ok=True)
    sys.path.insert(0, str(ROOT))  # the checkout's own package, installed or not
    import reference

    for name, text in reference.pages().items():
        (folder / "reference" / name).write_text(text, encoding="utf-8")
    (folder / "assets").mkdir()
    shutil.copyfile(ICON, folder / "assets" / "icon.svg")
    shutil.copyfile(HERE / "documentation.css", folder / "assets" / "footprint.css")


def relinked(text: str, source: str, page: str, pages: dict[str, str]) -> str:
    """The text of a page with its links as they are on the site.

    A link to a file of the repository that is no page of the site becomes its path, as a word.
    """

    def moved(found: re.Match[str]) -> str:
        picture, words, target = found.groups()
        path, mark, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:") or not path:
            return found[0]
        file = os.path.normpath((PurePosixPath(source).parent / path).as_posix())
        if file not in pages and (ROOT / file / "README.md").is_file():
            file = f"{file}/README.md"
        if file not in pages:
            return words if (ROOT / file).exists() else found[0]
        if words == path and file.endswith(".md"):  # a page named by its file is named by its title here
            words = title_of((ROOT / file).read_text(encoding="utf-8")) or words
        href = os.path.relpath(pages[file], PurePosixPath(page).parent.as_posix())
        return f"{picture}[{words}]({href}{mark}{anchor})"

    parts, at = [], 0
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(moved, text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, LINK.sub(moved, text[at:])])


def title_of(text: str) -> str:
    """The first heading of a page; empty where it has none."""
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1] if found else ""


def _below(folder: str) -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the folder to write")
    given = parser.parse_args()
    build(given.out)
    print(f"{given.out}: serve the folder, or open {given.out / 'index.html'}")
