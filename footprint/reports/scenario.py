"""Scenario files, which hold the inputs of one estimate."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from footprint.catalog.files import read_text, read_toml
from footprint.errors import DataFileError, FootprintError
from footprint.estimator import EstimateRequest
from footprint.estimator.fields import JOINED, NAMES, missing_hw
from footprint.estimator.request import EITHER_OR, FIELDS
from footprint.spelling import in_file

if TYPE_CHECKING:
    from pathlib import Path

    from footprint.projects.record import Project
    from footprint.serving.request import InferenceRequest

SCHEMA = "footprint/scenario/1"


def save_scenario(request: EstimateRequest, path: Path, *, overwrite: bool = False) -> None:
    """Write the fields that were set as TOML; FootprintError if the file exists."""
    _save({"schema": SCHEMA, **request.given()}, path, overwrite=overwrite)


def save_grid(
    axes: Mapping[str, Sequence[Any]], fixed: Mapping[str, Any], path: Path, *, overwrite: bool = False
) -> None:
    """Write a grid as the TOML that `footprint sweep` reads; FootprintError if the file exists."""
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in fixed.items()}
    lists = {name: [list(v) if isinstance(v, tuple) else v for v in values] for name, values in axes.items()}
    _save({"schema": SCHEMA, **plain, **lists}, path, overwrite=overwrite)


def _save(tables: Mapping[str, Any], path: Path, *, overwrite: bool) -> None:
    import tomli_w

    if path.suffix.lower() != ".toml":
        raise FootprintError(f"`save={path}`: a scenario is TOML, so give its file the ending .toml")
    from footprint.reports.files import write_new

    write_new(path, tomli_w.dumps(tables), overwrite=overwrite)


def read_scenario(path: Path, given: Mapping[str, Any]) -> EstimateRequest:
    """A request from a scenario file and from ``given``, whose fields override the file's.

    Raises DataFileError for a file of another schema, FootprintError for wrong fields.
    """
    raw = read_fields(path)
    # A given field also replaces the file's fields that exclude it.
    for group, _ in EITHER_OR:
        if any(name in given for name in group):
            raw = {name: value for name, value in raw.items() if name not in group}
    if "hw" not in raw and "hw" not in given:
        raise FootprintError(in_file(f"{path}: {missing_hw()}", FIELDS))
    try:
        return EstimateRequest.from_mapping({**raw, **given}, str(path))
    except FootprintError as error:
        if (raw.keys() - given.keys()).intersection(error.fields):
            error.args = (f"{path}: {in_file(str(error), FIELDS.keys() - given.keys())}",)
        raise


def read_place(
    path: Path, given: Mapping[str, Any], without: Container[str]
) -> tuple[dict[str, Any], list[str]]:
    """The fields of a scenario file and of ``given``, and the names of those that ``without`` drops."""
    raw = read_fields(path)
    for name in raw:
        if name not in FIELDS:
            from footprint.catalog.names import unknown

            raise unknown("scenario field", str(name), FIELDS, hint=str(path))
    left_out = [name for name in raw if name in without]
    kept = {name: value for name, value in raw.items() if name not in left_out}
    for group, _ in EITHER_OR:
        if any(name in given for name in group):
            kept = {name: value for name, value in kept.items() if name not in group}
    for name, value in kept.items():
        if isinstance(value, list) and not (FIELDS[name].kind is NAMES or name in (*JOINED, *given)):
            raise FootprintError(f"{path}: {name} has a list of values: give one with `{name}=`")
    return {**kept, **given}, left_out


def read_fields(path: Path) -> dict[str, Any]:
    """The fields of a scenario file, or of the scenario of an estimate that was saved as JSON.

    Raises DataFileError for a file of another schema.
    """
    if path.suffix.lower() == ".json":
        from footprint.catalog.checks.limits import parse_json

        estimate = parse_json(read_text(path), path)
        scenario = estimate.get("scenario") if isinstance(estimate, dict) else None
        if not isinstance(scenario, dict):
            raise DataFileError(f"{path}: no estimate with its scenario: write one with --format json")
        return scenario
    return _of_schema(path, "a scenario", SCHEMA)


def _of_schema(path: Path, what: str, schema: str) -> dict[str, Any]:
    """The fields of a TOML file of this schema; DataFileError for a file of another or of none."""
    raw = read_toml(path)
    found = raw.pop("schema", None)
    if found != schema:
        said = "it has no schema" if found is None else f"its schema is {found!r}"
        raise DataFileError(f'{path}: {said}: {what} starts with the line schema = "{schema}"')
    return raw


def save_project(project: Project, path: Path, *, overwrite: bool = False) -> None:
    """Write a project as TOML in which each run holds all its fields; FootprintError if the file exists."""
    from footprint.projects.record import SCHEMA as OF_PROJECT

    said = {"name": project.name, "why": project.why, "mitigations": list(project.mitigations)}
    runs = [{"name": row.name, "count": _whole(row.count), **row.scenario} for row in project.rows]
    tables: dict[str, Any] = {name: value for name, value in said.items() if value}
    if project.alternatives is not None:
        axes = {name: list(values) for name, values in project.alternatives.axes.items()}
        tables["alternatives"] = {"run": project.alternatives_to, **axes}
    _save({"schema": OF_PROJECT, **tables, "runs": runs}, path, overwrite=overwrite)


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value


SERVING_SCHEMA = "footprint/inference-request/1"


def save_inference(request: InferenceRequest, path: Path, *, overwrite: bool = False) -> None:
    """Write what was set of a serving request as TOML; FootprintError if the file exists."""
    _save({"schema": SERVING_SCHEMA, **request.given()}, path, overwrite=overwrite)


def read_inference(path: Path | None, given: Mapping[str, Any]) -> InferenceRequest:
    """A serving request from a file and from ``given``, whose fields override the file's.

    Raises DataFileError for a file of another schema, FootprintError for wrong fields.
    """
    from footprint.serving.request import InferenceRequest

    if path is None:
        return InferenceRequest.from_mapping(given, "command line")
    raw = _of_schema(path, "a serving request", SERVING_SCHEMA)
    for group in (("batch_size", "concurrency"), *(group for group, _ in EITHER_OR)):
        if any(name in given for name in group):
            raw = {name: value for name, value in raw.items() if name not in group}
    return InferenceRequest.from_mapping({**raw, **given}, str(path))
