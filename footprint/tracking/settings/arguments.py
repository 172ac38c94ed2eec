"""What one call of ``track()`` asked for, checked before anything starts."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from footprint.catalog.files import RUNS_FOLDER, runs_folder
from footprint.errors import FootprintError
from footprint.meters import Meter, meter_from
from footprint.parsing import Limit, parse_limit
from footprint.records import field, record
from footprint.tracking.chain.estimator_calls import checked_scenario, scenario_fields
from footprint.tracking.process.identity import check_run_id
from footprint.tracking.settings.known_names import check_names
from footprint.vocabulary import ABSENT_HARDWARE, FORMS, ON_BUDGET

FLUSH_S, LEAST_FLUSH_S, MOST_FLUSH_S = 5.0, 0.01, 3600.0
_DEFAULTS = {
    "on_budget": "warn", "meter": "codecarbon", "initial_step": 0, "quiet": False,
    "absent_hardware": "exclude",
}  # fmt: skip


@record
class Settings:
    """The arguments of ``track()``; ``scenario`` holds fields of an estimate request."""

    model: str | None = None
    hw: str | None = None
    region: str | None = None
    total_steps: float | None = None
    total_tokens: float | None = None
    csv: Path | None = None
    columns: str | None = None
    """The columns of the report CSV; None: those of the file, else all."""
    budget: Limit | None = None
    budget_over: Path | None = None
    """A folder of runs that the budget covers together, else this run alone."""
    on_budget: str | Callable[[Any], None] = "warn"
    on_stop: Callable[[], None] | None = None
    """Called before a budget stop leaves the loop, to save a checkpoint."""
    callback: Callable[[Any], None] | None = None
    """Receives the forecast after each flush."""
    progress: bool | None = None
    meter: str | Meter | None = "codecarbon"
    journal_dir: Path = Path(RUNS_FOLDER)
    flush_s: float = FLUSH_S
    said: frozenset[str] = frozenset()
    """The arguments that were given, none of which is the default."""
    run_id: str | None = None
    name: str | None = None
    initial_step: int = 0
    absent_hardware: str = "exclude"
    """What becomes of accelerators that are not on the machine: in no total, or modelled."""
    quiet: bool = False
    by_hooks: bool = False
    """Whether the program knows nothing of the run: torch's hooks count its steps."""
    supervises: bool = False
    """Whether the run is that of `footprint run`, whose programs count steps."""
    scenario: Mapping[str, Any] = field(default_factory=dict)

    def unlike(self, outer: Settings) -> list[str]:
        """The arguments that were given and are not what ``outer`` has: lost in a phase of it."""
        names = sorted(self.said - {"name", "quiet"})
        lost = [name for name in names if getattr(self, name) != getattr(outer, name)]
        return [*lost, *(name for name, one in self.scenario.items() if outer.scenario.get(name) != one)]

    def given(self) -> dict[str, Any]:
        """What the journal keeps: enough to compute everything again later."""
        record: dict[str, Any] = {
            "model": self.model,
            "hw": self.hw,
            "region": self.region,
            "total_steps": self.total_steps,
            "total_tokens": self.total_tokens,
            "csv": None if self.csv is None else str(self.csv.absolute()),
            "columns": self.columns,
            "budget": None if self.budget is None else self.budget.text,
            "name": self.name,
            "initial_step": self.initial_step or None,
            "by_hooks": self.by_hooks or None,
            "absent_hardware": None if self.absent_hardware == "exclude" else self.absent_hardware,
            "meter": self.meter if isinstance(self.meter, str) else type(self.meter).__name__,
            **{key: list(v) if isinstance(v, tuple) else v for key, v in self.scenario.items()},
        }
        return {key: value for key, value in record.items() if value is not None}


def make_settings(arguments: Mapping[str, Any], scenario: Mapping[str, Any]) -> Settings:
    """The settings of a call, each value checked on its own.

    Raises:
        TypeError: a keyword that does not exist, with the nearest ones.
        FootprintError: a value that cannot be meant.
    """
    _check_keywords(arguments, scenario)
    values = dict(arguments)
    for name in ("total_steps", "total_tokens"):
        values[name] = _count(name, values.get(name))
    values["said"] = frozenset(n for n, v in arguments.items() if v is not None and v != _DEFAULTS.get(n))
    values["flush_s"] = FLUSH_S if values.get("flush_s") is None else _flush_s(values["flush_s"])
    values["initial_step"] = _initial_step(values["initial_step"])
    for name in ("model", "hw", "region", "name", "run_id"):
        values[name] = _text(name, values.get(name))
    if values["run_id"] is not None:
        check_run_id(values["run_id"])
    values["csv"] = _path("csv", values.get("csv"))
    if values["csv"] is not None:
        values["csv"] = values["csv"].absolute()  # the program may change its folder
    values["budget_over"] = _path("budget_over", values.get("budget_over"))
    folder = values.get("journal_dir") or runs_folder()
    values["journal_dir"] = _path("journal_dir", folder)
    values["budget"] = None if values.get("budget") is None else parse_limit(str(values["budget"]), "budget")
    if not callable(values["on_budget"]) and values["on_budget"] not in ON_BUDGET:
        raise FootprintError(
            f"on_budget must be 'warn', 'stop' or a function, not {values['on_budget']!r:.60}"
        )
    if values["columns"] not in (None, *FORMS):
        raise FootprintError(f"columns must be 'full' or 'short', not {values['columns']!r:.60}")
    if values["absent_hardware"] not in ABSENT_HARDWARE:
        known = " or ".join(map(repr, ABSENT_HARDWARE))
        raise FootprintError(f"absent_hardware must be {known}, not {values['absent_hardware']!r:.60}")
    for name in ("on_stop", "callback"):
        if values.get(name) is not None and not callable(values[name]):
            raise FootprintError(f"{name} must be a function, not {values[name]!r:.60}")
    meter_from(values["meter"])  # only to refuse what names none; the real one is made in the background
    if values["on_budget"] == "stop" and values["budget"] is None:
        raise FootprintError("on_budget='stop' needs a limit: give a budget, such as budget='2 kWh'")
    checked = checked_scenario(scenario)
    check_names({**checked, **{name: values[name] for name in ("model", "hw", "region")}}, values["csv"])
    return Settings(**values, scenario=checked)


def _check_keywords(arguments: Mapping[str, Any], scenario: Mapping[str, Any]) -> None:
    known = scenario_fields() - {"hw", "model", "region", "name", "steps", "tokens"}
    for name in scenario:
        if name not in known:
            from footprint.catalog.names import nearest

            close = ", ".join(nearest(name, [*known, *arguments]))
            hint = f"; did you mean {close}?" if close else ""
            raise TypeError(f"track() got an unexpected keyword argument {name!r}{hint}")


def _count(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, str):
        from footprint.parsing import parse_count

        return parse_count(value, name)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and number > 0) or isinstance(value, bool):
        raise FootprintError(f"{name} must be a number above 0, not {value!r:.60}")
    return number


def _initial_step(value: Any) -> int:
    try:
        number = 0 if value in (None, 0, "0") else int(_count("initial_step", value) or 0)
    except FootprintError:
        number = -1
    if number < 0:
        raise FootprintError(f"initial_step must be a number of steps, 0 or more, not {value!r:.60}")
    return number


def _flush_s(value: Any) -> float:
    number = _count("flush_s", value)
    if number is None or not LEAST_FLUSH_S <= number <= MOST_FLUSH_S:
        bounds = f"from {LEAST_FLUSH_S} to {MOST_FLUSH_S:.0f} seconds"
        raise FootprintError(f"flush_s must be {bounds}, not {value!r:.60}")
    return number


def _text(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not (isinstance(value, str) and value.strip() and value.isprintable()):
        raise FootprintError(f"{name} must be a name, not {value!r:.60}")
    return value


def _path(name: str, value: Any) -> Path | None:
    if value is None:
        return None
    try:
        path = Path(value).expanduser()
    except (TypeError, RuntimeError):
        path = None
    if path is None or not str(value).strip() or "\0" in str(value):
        raise FootprintError(f"{name} must be a path, not {value!r:.60}")
    return path
