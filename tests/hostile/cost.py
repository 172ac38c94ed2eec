"""What each hostile file costs: ``python -m tests.hostile.cost`` prints it, one JSON object a line.

Every file is given to ``footprint check`` in this one process; for each, the exit code, the lines said,
seconds of the processor, and MB by which the memory in use grew at most (Linux only).
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.cli.run import footprint
from tests.hostile.files import JSON, TOML


def _memory_mb(line: str) -> float:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(text.split(f"{line}:")[1].split()[0]) / 1024


def main() -> None:
    good = Path(__file__).resolve().parents[2] / "hardware_profiles" / "v100-sxm2-16gb.toml"
    footprint("check", str(good))  # what is imported once is not the file's
    footprint("check", str(good.parents[1] / "reference_data" / "models" / "gpt2.toml"))
    with tempfile.TemporaryDirectory() as folder:
        for kind, files in (("toml", TOML), ("json", JSON)):
            for name, data in files.items():
                path = Path(folder, f"x.{kind}")
                path.write_bytes(data)
                gc.collect()
                Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
                before = _memory_mb("VmRSS")
                started = time.process_time()
                done = footprint("check", str(path))
                seconds = time.process_time() - started
                grown = _memory_mb("VmHWM") - before
                said = done.err.splitlines()
                row = {
                    "file": f"{kind}: {name}", "code": done.code, "lines": len(said), "said": said[:1],
                    "seconds": round(seconds, 3), "mb": round(grown, 1), "out": len(done.out),
                }  # fmt: skip
                sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
