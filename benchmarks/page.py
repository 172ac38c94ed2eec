"""What the page weighs and how fast it answers: ``python -m benchmarks.page OUT``.

OUT is the folder that ``python site/build.py OUT`` wrote. A host that compresses sends the second column of
bytes. With Chromium and playwright the times are measured too. Exit code 1: more than the limit.
"""

from __future__ import annotations

import gzip
import shutil
import statistics
import sys
from pathlib import Path

LIMIT_MB = 8.0
"""Megabytes of a first visit, compressed; later visits load nothing."""
LIMIT_MS = 200.0
"""Milliseconds from a change of the form to its headline, at the median of the answers below."""
ASK = """async () => {
  const type = (id, text) => {
    const field = document.getElementById(id);
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const drawn = (part) => new Promise((done) => {
    const look = () => (document.body.dataset.answered ?? "").includes(part) && (watch.disconnect(), done());
    const watch = new MutationObserver(look);
    watch.observe(document.body, { attributes: true });
  });
  const times = {};
  const jobs = [["bert-base", "v100", 8], ["llama2-7b", "h100", 256], ["vit-base", "a100", 8]];
  for (const [model, chip, count] of jobs) {
    type("model", model); type("chip", chip); type("count", String(count));
    for (const [name, pause] of [["at rest", 3000], ["while comparisons are computed", 0]]) {
      const took = times[`${model}, ${name}`] = [];
      for (let turn = 0; turn < 7; turn++) {
        await new Promise((done) => setTimeout(done, pause));
        const pue = String(1.1 + (turn + (pause ? 0 : 10)) / 100), from = performance.now();
        const headline = drawn(`--pue ${pue}`);
        type("field-pue", pue);
        await headline;
        took.push(performance.now() - from);
      }
    }
  }
  return times;
}"""
"""Changes of the form, each until its headline is drawn; the second of each pair comes while others wait."""


def part_of(name: str) -> str:
    """Which part of the page a file belongs to."""
    if name == "python/packages.zip.xz":
        return "footprint and packages"
    if name.startswith("python/"):
        return "Python (Pyodide)"
    return "lists and the first answer" if name.startswith("data/") else "page, style, scripts"


def weights(folder: Path) -> dict[str, tuple[int, int]]:
    """Bytes of each part: as they are, and compressed where that helps."""
    found: dict[str, tuple[int, int]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "docs" not in path.relative_to(folder).parts[:1]:  # not loaded with the page
            content = path.read_bytes()
            part = part_of(path.relative_to(folder).as_posix())
            plain, packed = found.get(part, (0, 0))
            smaller = min(len(content), len(gzip.compress(content, 6)))
            found[part] = (plain + len(content), packed + smaller)
    return found


def times(folder: Path) -> tuple[float, float, dict[str, list[float]]] | None:
    """Seconds to the first answer and to the first computed one, ms of others; None without Chromium."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if chromium is None:
        return None
    from tests.browser.serving import served

    with served(folder) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("body[data-ready]", timeout=300_000)
        first = page.evaluate("() => performance.getEntriesByName('first-answer')[0].startTime")
        ready = page.evaluate("() => performance.getEntriesByName('computed')[0].startTime")
        answers = page.evaluate(ASK)
        browser.close()
    return first / 1e3, ready / 1e3, answers


def main(folder: Path) -> int:
    """Print the parts and the times; 1 if a limit is exceeded."""
    parts = weights(folder)
    print(f"{'part':<28}{'bytes':>12}{'compressed':>12}")
    for part, (plain, packed) in sorted(parts.items(), key=lambda one: -one[1][1]):
        print(f"{part:<28}{plain:>12,}{packed:>12,}")
    total = sum(packed for _, packed in parts.values())
    print(f"{'first visit':<28}{sum(plain for plain, _ in parts.values()):>12,}{total:>12,}")
    print(f"limit: {LIMIT_MB} MB compressed")
    measured = times(folder)
    slow = False
    if measured is not None:
        first, ready, answers = measured
        print(f"first answer painted after {first:.2f} s; Python computes after {ready:.1f} s")
        for name, took in answers.items():
            middle = statistics.median(took)
            slow |= middle > LIMIT_MS
            print(f"{name:<44}{middle:>8.0f} ms, least {min(took):.0f}, most {max(took):.0f}")
        print(f"limit: {LIMIT_MS:.0f} ms, on a machine with nothing else to do")
    return int(total > LIMIT_MB * 1e6 or slow)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
