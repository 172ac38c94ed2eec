"""Facts that a user says once: fields of a scenario in ``pyproject.toml`` or a file of the user.

Commands take them where no option says otherwise, and not beside ``--from``. The table
``[tool.footprint]`` of the nearest ``pyproject.toml`` comes before ``defaults.toml`` in the user's
configuration folder. Nothing is imported or parsed unless such a file is there: the start of a command has
no time for it.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from footprint.errors import FootprintError
from footprint.estimator.fields import is_set
from footprint.estimator.request import FIELDS, EstimateRequest
from footprint.named_tuples import NamedTuple
from footprint.results import Assumption
from footprint.spelling import in_file

IGNORE = "FOOTPRINT_IGNORE_DEFAULTS"
"""Set to anything but 0, it leaves every file out."""
FILE = "defaults.toml"
NOT_FACTS = ("name", "force")
"""Fields of one estimate, which cannot be said once for all."""
_TABLE = b"tool.footprint"
_ANY_HW = {"hw": "v100"}
"""What a request needs beside the fields that it checks; no check of them depends on it."""
_MOST_FOLDERS = 64


class OwnFacts(NamedTuple):
    """Fields of a scenario, and the name of the file that says each."""

    values: Mapping[str, Any]
    files: Mapping[str, str]

    def shown(self, name: str) -> str:
        """The value of a fact as text."""
        return str(_shown(self.values[name]))

    def rows(self, request: EstimateRequest) -> tuple[Assumption, ...]:
        """The rows of the facts that a request took."""
        return tuple(
            Assumption(
                name=f"{name} (from {self.files[name]})", value=_shown(value), unit=FIELDS[name].unit,
                basis="given", source=self.files[name], option=FIELDS[name].flag,
            )
            for name, value in self.values.items()
            if getattr(request, name) == value
        )  # fmt: skip


def own_facts(given: Mapping[str, Any]) -> OwnFacts:
    """The facts of the files that do not contradict what was given.

    Raises FootprintError, which names the file, for an unknown or impossible field.
    """
    values: dict[str, Any] = {}
    files: dict[str, str] = {}
    if os.environ.get(IGNORE, "0") not in ("", "0"):
        return OwnFacts(values=values, files=files)
    for path, shown, raw in _tables():
        for name, value in _fields(path, raw).items():
            if name not in given and name not in values and _goes_with({**given, **values}, name, value):
                values[name], files[name] = value, shown
    return OwnFacts(values=values, files=files)


def _tables() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Path, name and fields of each file that is there."""
    path = _nearest_project()
    if path and _TABLE in _bytes(path):
        from footprint.catalog.files import read_toml

        table = read_toml(path).get("tool", {}).get("footprint", {})
        yield path, "pyproject.toml", table if isinstance(table, dict) else {"footprint": table}
    path = user_file()
    if _is_file(path):
        from footprint.catalog.files import read_toml

        yield path, f"your {FILE}", read_toml(path)


def _nearest_project() -> str:
    """Path of the ``pyproject.toml`` in the working directory or the nearest folder above; "" if none."""
    try:
        folder = os.getcwd()
    except OSError:
        return ""
    for _ in range(_MOST_FOLDERS):
        path = f"{folder.rstrip('/')}/pyproject.toml"
        if _is_file(path):
            return path
        above = os.path.dirname(folder)
        if above == folder:
            break
        folder = above
    return ""


def user_file() -> str:
    """Path of the user's own file of facts, whether or not it is there."""
    if sys.platform.startswith("linux"):
        # As platformdirs has it, whose import takes longer than the look.
        base = os.environ.get("XDG_CONFIG_HOME", "").strip() or os.path.expanduser("~/.config")
        return f"{base}/footprint/{FILE}"
    import platformdirs

    return f"{platformdirs.user_config_dir('footprint', appauthor=False)}/{FILE}"


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def _bytes(path: str) -> bytes:
    """The beginning of a file; nothing where it cannot be read, as most projects say nothing to us."""
    try:
        with open(path, "rb") as file:
            return file.read(1 << 20)
    except OSError:
        return b""


def _fields(path: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The checked fields of one file."""
    named = {str(key).replace("-", "_"): value for key, value in raw.items()}
    for name in named:
        if name not in FIELDS or name in NOT_FACTS:
            from footprint.catalog.names import unknown

            known = [field for field in FIELDS if field not in NOT_FACTS]
            raise unknown("field", name, known, f"{path}: a field of docs/options.md")
    try:
        request = EstimateRequest.from_mapping({**_ANY_HW, **named}, path)
    except FootprintError as error:
        said = in_file(str(error))
        raise FootprintError(said if path in said else f"{path}: {said}") from None
    return {name: getattr(request, name) for name in named if is_set(getattr(request, name))}


def _goes_with(given: Mapping[str, Any], name: str, value: Any) -> bool:
    """Whether a fact goes with what was given; an option that contradicts it replaces it."""
    scenario = {**_ANY_HW, **given}
    try:
        EstimateRequest.from_mapping(scenario, "command line")
    except FootprintError:
        return True  # it is the options that are wrong, and their own error says so
    try:
        EstimateRequest.from_mapping({**scenario, name: value}, "command line")
    except FootprintError:
        return False
    return not _of_another_cloud({**given, name: value}) if name in ("region", "provider") else True


def _of_another_cloud(fields: Mapping[str, Any]) -> bool:
    """Whether the region belongs to another provider than the one named."""
    if not (fields.get("region") and fields.get("provider")):
        return False
    from footprint.catalog.places import find_place
    from footprint.catalog.prices import find_provider, is_own_list

    try:
        place, provider = find_place(fields["region"])[0], find_provider(fields["provider"])
    except FootprintError:
        return False
    return place.provider not in (None, provider) and not is_own_list(provider)


def _shown(value: Any) -> float | str:
    if isinstance(value, bool):
        return "yes"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, int | float) else str(value)
