"""The scripts that comment on a change, of the action and of the page for GitLab, as runners run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT

ACTION = YAML(typ="safe").load((ROOT / "integrations/github/action.yml").read_text(encoding="utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
PAGE = (ROOT / "docs/reviews.md").read_text(encoding="utf-8")
STUBS = {
    "footprint": f'#!/bin/sh\nexec {sys.executable} -m footprint "$@"\n',
    "python": '#!/bin/sh\nprintf "%s\\n" "python $*" >> "$TOLD"\n',
    "pip": '#!/bin/sh\nprintf "%s\\n" "pip $*" >> "$TOLD"\n',
    "gh": '#!/bin/sh\nprintf "%s\\n" "gh $*" >> "$TOLD"\n'
    'case "$*" in *--jq*) printf "%s\\n" $COMMENTS;; esac\n',
    "curl": '#!/bin/sh\nprintf "%s\\n" "curl $*" >> "$TOLD"\n'
    'for word; do case "$word" in body@*) cp "${word#body@}" "$TOLD.body";; esac; done\n',
}
"""Programs that the scripts call: ours, and some that write down what they are asked."""


class Runner:
    """A checkout of two commits of a repository, and what a runner gives a script."""

    def __init__(self, folder: Path) -> None:
        self.origin, self.checkout, self.told = folder / "origin", folder / "checkout", folder / "told"
        self.output, self.summary = folder / "output", folder / "summary"
        programs = folder / "bin"
        for place in (self.origin, programs, folder / "tmp"):
            place.mkdir()
        for name, text in STUBS.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self.told.touch()
        self.environment = {
            **os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
            "TOLD": str(self.told), "COMMENTS": "", "TMPDIR": str(folder / "tmp"),
            "GITHUB_OUTPUT": str(self.output), "GITHUB_STEP_SUMMARY": str(self.summary),
        }  # fmt: skip
        self.git("init", "-q", "-b", "main")
        self.git("config", "uploadpack.allowAnySHA1InWant", "true")  # as GitHub and GitLab answer

    def git(self, *words: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        done = subprocess.run(
            ["git", *identity, *words], cwd=self.origin, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        """The name of a commit with these files: ``training`` is training.toml."""
        for name, text in files.items():
            (self.origin / f"{name}.toml").write_text(text)
        self.git("add", ".")
        self.git("commit", "-qm", "a change")
        return self.git("rev-parse", "HEAD")

    def check_out(self, *options: str) -> None:
        """Clone the last commit, as a runner does."""
        source = f"file://{self.origin}"
        subprocess.run(["git", "clone", "-q", *options, source, str(self.checkout)], check=True)

    def run(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A script in bash with the options that GitHub gives it."""
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], cwd=self.checkout,
            env={**self.environment, **variables}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def step(self, name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        """A step of the action, with a value for each of its own variables."""
        assert set(inputs) == set(STEPS[name]["env"]) - {"GH_TOKEN"}
        return self.run(STEPS[name]["run"], **inputs)

    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.output.read_text().splitlines())


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def scenario(hw: str = "v100:8", model: str = "bert-base") -> str:
    return f'schema = "footprint/scenario/1"\nmodel = "{model}"\nhw = "{hw}"\nregion = "FRA"\n'


def test_no_input_of_the_action_is_part_of_a_script() -> None:
    for step in STEPS.values():
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]


def test_the_action_compares_posts_and_then_holds_the_budget(runner: Runner) -> None:
    base = runner.commit(training=scenario("v100:8"))
    runner.commit(training=scenario("h100:8"))
    runner.check_out("--depth", "1")  # the base is not there, as after actions/checkout
    assert runner.step("Install", PACKAGE="footprint-ml==1").returncode == 0
    assert "python -m pip install --quiet -- footprint-ml==1" in runner.told.read_text()
    done = runner.step("Compare", SCENARIO="training.toml", BASE=base)
    assert done.returncode == 0, done.stderr
    found = runner.outputs()
    comment = Path(found["comment"]).read_text()
    assert comment.startswith("<!-- footprint: comment -->")
    assert "| --hw | v100:8 | h100:8 |" in comment
    assert runner.summary.read_text() == comment
    for there, asked in (("", "--method POST repos/a/b/issues/3/comments"),
                         ("17 18", "--method PATCH repos/a/b/issues/comments/17")):  # fmt: skip
        runner.environment["COMMENTS"] = there
        done = runner.step("Comment", COMMENT=found["comment"], REPOSITORY="a/b", NUMBER="3")
        assert done.returncode == 0, done.stderr
        assert f"{asked} --field body=@{found['comment']}" in runner.told.read_text()
    for limit, code in (("1000 kgCO2e", 0), ("0.001 kWh", 3), ("10 apples", 2)):
        done = runner.step("Budget", LIMIT=limit, RECORD=found["record"])
        assert done.returncode == code, done.stderr


@pytest.mark.parametrize("base", ["commit", "branch"])
def test_the_base_is_computed_with_its_own_files(runner: Runner, base: str) -> None:
    """The scenario stays as it is; the model file that it names becomes another model."""
    models = [
        (ROOT / f"reference_data/models/{name}.toml").read_text() for name in ("bert-base", "bert-large")
    ]
    text = scenario(model="mine.toml") + "tokens = 1e9\nseq_len = 128\n"
    old = runner.commit(training=text, mine=models[0])
    runner.git("checkout", "-qb", "change")
    runner.commit(training=text, mine=models[1])
    runner.check_out("--depth", "1")
    done = runner.step("Compare", SCENARIO="training.toml", BASE=old if base == "commit" else "main")
    assert done.returncode == 0, done.stderr
    comment = Path(runner.outputs()["comment"]).read_text()
    assert "No input changed" in comment
    assert "A file that a scenario names" in comment
    assert "energy (facility) x" in comment


@pytest.mark.parametrize("why", ["new", "no base", "broken base"])
def test_a_scenario_without_a_base_is_shown_alone(runner: Runner, why: str) -> None:
    old = runner.commit(
        **({"training": scenario("v100x0")} if why == "broken base" else {"other": "a = 1\n"})
    )
    runner.commit(training=scenario())
    runner.check_out()
    done = runner.step("Compare", SCENARIO="training.toml", BASE="" if why == "no base" else old)
    assert done.returncode == 0, done.stderr
    assert ("number of accelerators" in done.stderr) == (why == "broken base")
    comment = Path(runner.outputs()["comment"]).read_text()
    assert comment.startswith("<!-- footprint: comment -->")
    assert "before" not in comment


@pytest.mark.parametrize("name", ["--help", "$(touch made).toml", "a b.toml", "no.toml"])
def test_a_name_of_a_file_is_never_a_command(runner: Runner, name: str) -> None:
    base = runner.commit(training=scenario())
    runner.commit(training=scenario("h100:8"))
    (runner.origin / name).write_text(scenario()) if name == "a b.toml" else None
    runner.commit(other="a = 1\n")
    runner.check_out()
    done = runner.step("Compare", SCENARIO=name, BASE=base)
    assert done.returncode == (0 if name == "a b.toml" else 2)
    assert not (runner.checkout / "made").exists()


def script_of(page: str, variables: dict[str, Any]) -> list[str]:
    """The script of the GitLab job on the page."""
    text = re.search(r"## GitLab\n.*?```yaml\n(.*?)```", page, re.DOTALL)
    assert text is not None
    job = YAML(typ="safe").load(text[1])["footprint"]
    assert all(name in text[1] for name in variables)
    return list(job["script"])


def test_the_snippet_for_gitlab(runner: Runner) -> None:
    base = runner.commit(training=scenario("v100:8"))
    runner.commit(training=scenario("h100:8"))
    runner.check_out("--depth", "1")
    variables = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_API_V4_URL": "https://gitlab.example/api/v4",
                 "CI_PROJECT_ID": "7", "CI_MERGE_REQUEST_IID": "3", "COMMENT_TOKEN": "secret"}  # fmt: skip
    lines = script_of(PAGE, variables)
    assert lines[-1].endswith('--fail-over "10 kgCO2e"')
    for limit, code in (("1000 kgCO2e", 0), ("0.001 kgCO2e", 3)):
        script = "\n".join(lines).replace("10 kgCO2e", limit)
        done = runner.run(script, **variables)
        assert done.returncode == code, done.stderr
        told = runner.told.read_text()
        assert "pip install --quiet footprint-ml" in told
        assert "https://gitlab.example/api/v4/projects/7/merge_requests/3/notes" in told
        assert "| --hw | v100:8 | h100:8 |" in Path(f"{runner.told}.body").read_text()


def test_the_snippet_for_gitlab_of_a_new_scenario(runner: Runner) -> None:
    base = runner.commit(other="a = 1\n")
    runner.commit(training=scenario())
    runner.check_out()
    lines = script_of(PAGE, {})
    done = runner.run("\n".join(lines[:-1]), CI_MERGE_REQUEST_DIFF_BASE_SHA=base, CI_API_V4_URL="x",
                      CI_PROJECT_ID="7", CI_MERGE_REQUEST_IID="3", COMMENT_TOKEN="")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "bert-base" in Path(f"{runner.told}.body").read_text()
