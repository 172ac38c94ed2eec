"""The files of a launch name what exists: workflows, container, citation, Space, issue forms."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from footprint.catalog.version import __version__
from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in read(workflow)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda one: one.stem)
def test_a_workflow_runs_what_exists_and_puts_no_input_into_a_script(workflow: Path) -> None:
    assert "permissions" in read(workflow)
    for step in steps(workflow):
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])  # a tag can be moved
        script = step.get("run", "")
        assert "${{" not in script  # a branch or a tag may be named as a stranger likes
        for named in re.findall(r"(?<![\w/])(?:tests|site|\.ci)/[\w./]+", script):
            assert (ROOT / named).exists(), named


def test_the_matrix_has_every_python_that_the_package_takes() -> None:
    matrix = read(ROOT / ".github/workflows/matrix.yml")["jobs"]["core"]["strategy"]["matrix"]
    assert PROJECT["requires-python"] == f">={matrix['python'][0]}"
    assert [int(version.split(".")[1]) for version in matrix["python"]] == [11, 12, 13, 14]
    assert {system.split("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}


@pytest.mark.parametrize(("tag", "code"), [(f"v{__version__}", 0), ("v99.0.0", 1), ("v", 1)])
def test_only_the_tag_of_the_version_is_published(tag: str, code: int, tmp_path: Path) -> None:
    script = next(s for s in steps(ROOT / ".github/workflows/release.yml") if "TAG" in s.get("env", {}))[
        "run"
    ]
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / f"footprint_ml-{__version__}-py3-none-any.whl").touch()
    assert (
        subprocess.run(["bash", "-c", script], cwd=tmp_path, env={"TAG": tag}, check=False).returncode == code
    )


def test_publishing_has_the_right_to_sign_and_no_other() -> None:
    jobs = read(ROOT / ".github/workflows/release.yml")["jobs"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert jobs["publish"]["needs"] == "build"
    assert "id-token" not in jobs["build"]["permissions"]


def test_the_container_starts_the_program_and_not_as_root() -> None:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    assert re.search(r'^ENTRYPOINT \["(\w+)"\]$', text, re.MULTILINE)[1] in PROJECT["scripts"]  # type: ignore[index]
    assert int(re.search(r"^USER (\d+)$", text, re.MULTILINE)[1]) > 0  # type: ignore[index]


def test_the_space_opens_the_page() -> None:
    text = (ROOT / "docs" / "launch.md").read_text(encoding="utf-8")
    space = YAML(typ="safe").load(re.search(r"```yaml\n---\n(.*?)---\n```", text, re.DOTALL)[1])  # type: ignore[index]
    assert space["sdk"] == "static"
    assert (ROOT / "footprint/cli/page/static" / space["app_file"]).is_file()
    assert space["license"] == PROJECT["license"].lower()


@pytest.mark.parametrize(
    "form", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda one: one.stem
)
def test_an_issue_form_asks_for_what_is_needed(form: Path) -> None:
    asked = read(form)
    assert {"name", "description", "labels", "body"} <= set(asked)
    assert all(part["attributes"]["label"] for part in asked["body"])
    assert any(part["validations"]["required"] for part in asked["body"])
    text = (ROOT / "docs" / "launch.md").read_text(encoding="utf-8")
    assert all(f"`{label}`" in text for label in asked["labels"])
