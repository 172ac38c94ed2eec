"""What a sweep found, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from footprint.catalog.version import headed, versions
from footprint.decisions.fronts import Found
from footprint.plain_text import in_line, in_markdown
from footprint.records import record
from footprint.reports.labels import QUANTITY_UNITS, QUANTITY_WORDS, row_text, value_text
from footprint.results.human import amount, wrapped
from footprint.results.report_columns import signed_cells
from footprint.spelling import on_command_line

SCHEMA = "footprint/sweep/1"
WIDTH = 80
MOST_PROBLEMS = 5
MOST_SHOWN = 20
"""Scenarios of the Pareto front that are printed."""


@record
class Summary:
    """The best scenarios of a sweep, and what could not be."""

    axes: Mapping[str, Sequence[Any]]
    by: str
    scenarios: int
    seen: int
    """Scenarios that were computed now; fewer where a sweep was resumed."""
    feasible: int
    best: tuple[Found, ...]
    pareto: tuple[Found, ...]
    problems: Mapping[str, int]
    warnings: tuple[str, ...] = ()
    """What the scenarios that are shown say beside their numbers."""

    def text(self) -> str:
        """The best scenarios as a table of 80 columns."""
        return "\n".join(self._lines())

    def to_json(self) -> dict[str, Any]:
        """The summary as JSON values, unrounded."""
        return {
            **headed(SCHEMA),
            "axes": [{"option": name, "values": list(values)} for name, values in self.axes.items()],
            "by": self.by,
            "scenarios": self.scenarios,
            "computed": self.seen,
            "feasible": self.feasible,
            "best": [one.to_json() for one in self.best],
            "pareto": [one.to_json() for one in self.pareto],
            "problems": [{"message": on_command_line(m), "scenarios": n} for m, n in self.problems.items()],
            "warnings": [on_command_line(warning) for warning in self.warnings],
        }

    def markdown(self) -> str:
        """The scenarios that are shown as a table: their axes, and the median of each quantity."""
        least = QUANTITY_WORDS[self.by]
        head = [
            "",
            *(name.replace("_", " ") for name in self.axes),
            *QUANTITY_WORDS.values(),
            f"90 % interval of {least}",
        ]
        lists = {f"least {least}": self.best, "Pareto front": self._shown_front()}
        rows = [
            [name, *map(value_text, one.scenario.values()), *self._numbers(one)]
            for name, found in lists.items()
            for one in found
        ]
        table = [head, ["---"] * len(head), *(map(in_markdown, row) for row in rows)]
        lines = [f"| {' | '.join(row)} |" for row in table]
        problems = [f"- {in_markdown(one)}" for one in self._problems()]
        return "\n".join([self._counts(), "", *lines, "", *problems])

    def rows(self) -> list[dict[str, Any]]:
        """The scenarios that are shown, one row each: which list it is in, its axes, its numbers."""
        lists = {"best": self.best, "pareto": self.pareto}
        return [
            signed_cells(
                {
                    "list": name,
                    **one.scenario,
                    **{key: number if number == number else None for key, number in one.numbers.items()},
                },
                self.warnings,
                versions(),
            )
            for name, found in lists.items()
            for one in found
        ]

    def _lines(self) -> Iterator[str]:
        yield self._counts()
        if self.best:
            least = QUANTITY_WORDS[self.by]
            yield f"\nleast {least}, by the median (90 % interval of {least})"
            yield from self._table(self.best)
        if self.pareto:
            yield "\nno other scenario has fewer hours, less CO2e and less cost at once"
            yield from self._table(self._shown_front())
            if len(self.pareto) > MOST_SHOWN:
                yield f"  and {len(self.pareto) - MOST_SHOWN} more"
        for problem in self._problems():
            first, *rest = wrapped(problem, WIDTH - 2)
            yield f"\n  {first}"
            yield from (f"    {line}" for line in rest)

    def _counts(self) -> str:
        again = "" if self.seen == self.scenarios else f", {self.seen:,} of them computed now"
        many = "1 scenario" if self.scenarios == 1 else f"{self.scenarios:,} scenarios"
        return f"{many}{again}; {self.feasible:,} {'is' if self.feasible == 1 else 'are'} feasible"

    def _shown_front(self) -> list[Found]:
        return sorted(self.pareto, key=lambda one: one.numbers["duration_h_mid"])[:MOST_SHOWN]

    def _problems(self) -> list[str]:
        found = sorted(self.problems.items(), key=lambda item: -item[1])[:MOST_PROBLEMS]
        return [
            f"{count:,} {'scenario' if count == 1 else 'scenarios'}: {in_line(on_command_line(message))}"
            for message, count in found
        ]

    def _table(self, found: Sequence[Found]) -> Iterator[str]:
        for one in found:
            name = label_of(one)
            *cells, interval = self._numbers(one)
            numbers = "".join(f"{cell:>13}" for cell in cells) + f"  ({interval})"
            if len(name) <= 2:
                yield f"  {name}{numbers}"
            else:
                yield from (f"  {line}" for line in wrapped(name, WIDTH - 2))
                yield numbers

    def _numbers(self, one: Found) -> list[str]:
        """The median of each quantity, then the interval of that which is to be least."""
        cells = [
            "-" if (mid := one.numbers[f"{q}_mid"]) != mid else amount(mid, unit)
            for q, unit in QUANTITY_UNITS.items()
        ]
        unit, ends = QUANTITY_UNITS[self.by], [one.numbers[f"{self.by}_{end}"] for end in ("low", "high")]
        return [*cells, "" if ends[0] != ends[0] else "-".join(amount(e, unit, 2) for e in ends)]


def label_of(one: Found) -> str:
    """A scenario by the values of its axes."""
    return row_text(one.scenario) or "the scenario"
