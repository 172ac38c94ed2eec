"""A reader's folder, with the files that help texts and pages name, and the commands that pages show."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

CONFIG = """{"model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32,
"num_key_value_heads": 8, "intermediate_size": 8192, "vocab_size": 128256}"""
"""A Hugging Face config.json, as a reader would have one."""
SCENARIO = 'schema = "footprint/scenario/1"\nmodel = "bert-base"\nhw = "{hw}"\n'
COPIES = {
    "my_model.py": "tests/flops/trace/modules.py",
    "my-chip.toml": "hardware_profiles/v100-sxm2-16gb.toml",
    "jobs.txt": "tests/integrations/sacct/jobs.psv",
    "emissions.csv": "tests/fleet/emissions.csv",
    "project.toml": "tests/projects/small.toml",
    "bert.json": "docs/examples/bert-base.json",
    "bert-base.json": "docs/examples/bert-base.json",
    "plain.md": "docs/examples/plain.md",
}
TRAINS = ("run", "demo")
"""Commands that start other programs: in a process of their own."""
NOT_RUN = re.compile(r"<!-- not run: (\S.*\S) -->\n\Z")
FENCE = re.compile(r"^ {0,3}```(\w*)[^\n]*\n(.*?)^ {0,3}```", re.DOTALL | re.MULTILINE)
SHELL = ("bash", "sh", "console", "yaml", "text", "")
COMMAND = re.compile(r"^\s*(?:\$ |- |run: |srun )?(footprint [a-z].*)$", re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """A command in a fenced block of a page, and the reason for which the page says that it is not run."""

    command: str
    block: int
    reason: str

    @property
    def words(self) -> list[str]:
        """What follows ``footprint``, without the comment."""
        return shlex.split(self.command, comments=True)[1:]


def shown_in(text: str) -> list[Shown]:
    """Every line ``footprint ...`` of the fenced blocks of a page."""
    found = []
    for block, fence in enumerate(FENCE.finditer(text)):
        if fence[1] in SHELL:
            reason = NOT_RUN.search(text[: fence.start()])
            body = re.sub(r"\\\n\s*", "", fence[2])
            for line in COMMAND.findall(body):
                found.append(Shown(line, block, reason[1] if reason else ""))
    return found


def write_reader_files(folder: Path) -> None:
    """What a reader has before the first command of a page."""
    for name, source in COPIES.items():
        shutil.copy(ROOT / source, folder / name)
    hours = [f"2026-03-{day:02d}T{hour:02d}:00Z,{hour}" for day in range(1, 8) for hour in range(24)]
    texts = {
        "config.json": CONFIG,
        "README.md": "# A model\n",
        "train.py": "print(sum(range(1000)))\n",
        "hours.csv": "\n".join(["time,g_per_kwh", *hours]),
        "my-prices.csv": "accelerator,usd_per_accelerator_h\nh100,2.10\n",
        "old.toml": SCENARIO.format(hw="v100:8"),
        "training.toml": SCENARIO.format(hw="h100:8"),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
