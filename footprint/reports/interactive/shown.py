"""Answers as text, Markdown and HTML, for ``print``, the prompt of Python and notebooks."""

from __future__ import annotations

from typing import Any

from footprint.plain_text import fenced, in_line
from footprint.results.human import amount, counted, folded, interval


def text(answer: Any) -> str:
    """The answer as the command prints it, with the warnings that the command writes beside it."""
    return _TEXTS[type(answer).__name__](answer)


def markdown(answer: Any) -> str:
    """The answer as Markdown."""
    if type(answer).__name__ == "Estimate":
        from footprint.reports.estimate_text import render

        return render(answer, markdown=True)
    if type(answer).__name__ == "Plan":
        from footprint.reports.decisions.plan_text import render as render_plan

        return render_plan(answer, markdown=True)
    return fenced(text(answer))


def html(answer: Any) -> str:
    """The answer as HTML without colours of its own, so that it can be read on light and on dark."""
    from footprint.reports.interactive.html import estimate_html, page

    return estimate_html(answer) if type(answer).__name__ == "Estimate" else page(text(answer))


def _estimate(answer: Any) -> str:
    from footprint.reports.estimate_text import render

    warnings = [folded(f"warning: {in_line(warning)}") for warning in answer.warnings]
    return "\n\n".join([render(answer), *(["\n".join(warnings)] if warnings else [])])


def _measurement(answer: Any) -> str:
    from footprint.reports.texts.run_text import run_text

    return folded(run_text(answer, None))


def _comparison(answer: Any) -> str:
    from footprint.reports.texts.run_text import comparison_lines

    return folded("\n".join([f"run {in_line(answer.run_id)}", *comparison_lines(answer)]))


def _forecast(answer: Any) -> str:
    rows = [
        ("time", answer.duration_h, "h"),
        ("energy, facility", answer.energy_kwh, "kwh"),
        ("CO2e, location-based", answer.co2e_kg, "kg"),
        ("cost", answer.cost_usd, "usd"),
    ]
    lines = [
        f"forecast at {answer.progress:.1%} of the run, {counted(answer.steps)} steps done, "
        f"{_BASES.get(answer.basis, answer.basis)}",
        f"it ends at {answer.ends_at}, in {amount(answer.remaining_h, 'h')}",
        "",
        *(
            f"  {label:<21} {amount(q.mid, unit):>12}" + (f"  ({interval(q, unit)})" if q.spread else "")
            for label, q, unit in rows
            if q is not None
        ),
    ]
    if answer.used_kwh is not None:
        lines.append(f"  {'energy so far':<21} {amount(answer.used_kwh, 'kwh'):>12}")
    return "\n".join(lines)


_BASES = {
    "prior": "from the estimate alone",
    "measured": "from the steps alone",
    "both": "from the estimate and the steps",
}


def _flops(answer: Any) -> str:
    from footprint.reports.texts.flops_text import render

    return _signed(answer, render("one training step", answer))


def _plan(answer: Any) -> str:
    from footprint.reports.decisions.plan_text import render

    return _signed(answer, render(answer))


def _inference(answer: Any) -> str:
    from footprint.reports.decisions.inference_text import render

    return _signed(answer, folded(render(answer)))


def _signed(answer: Any, text: str) -> str:
    """The text of an answer that was computed: with its version, and the warnings below."""
    from footprint.reports.formats import with_version

    warnings = getattr(answer, "warnings", ())
    return "\n\n".join(
        [with_version(text, warnings), *(folded(f"warning: {in_line(one)}") for one in warnings)]
    )


def _stages(answer: Any) -> str:
    from footprint.reports.decisions.stages_text import render

    return _signed(answer, folded(render(answer)))


def _fleet(answer: Any) -> str:
    from footprint.reports.texts.fleet_text import render

    return render(answer)


def _scenario_table(answer: Any) -> str:
    from footprint.reports.decisions.comparison_text import render

    return _signed(answer, render(answer))


def _project(answer: Any) -> str:
    from footprint.reports.decisions.project_text import render

    return _signed(answer, render(answer))


def _timing(answer: Any) -> str:
    from footprint.reports.decisions.timing_text import render

    return _signed(answer, render(answer))


def _ranking(answer: Any) -> str:
    from footprint.reports.decisions.ranking_text import render

    return _signed(answer, render(answer))


_TEXTS = {
    "Estimate": _estimate,
    "Inference": _inference,
    "Stages": _stages,
    "Measurement": _measurement,
    "Comparison": _comparison,
    "FleetReport": _fleet,
    "Forecast": _forecast,
    "StepFlops": _flops,
    "Plan": _plan,
    "Project": _project,
    "Ranking": _ranking,
    "ScenarioTable": _scenario_table,
    "Timing": _timing,
}
"""By the name of the record; some stand in rooms that this one need not load."""
