"""Show what can be measured on this machine, how well, and how to improve it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from footprint.cli.shared.formats import answer_options, show
from footprint.cli.shared.journals import folder_option, folders_or_default
from footprint.cli.shared.options import COUNT
from footprint.plain_text import in_line

if TYPE_CHECKING:
    from footprint.tracking.doctor import Diagnosis

_EPILOG = """\b
Examples:
  footprint doctor
  footprint doctor --seconds 30 --format json
  srun -N 1 footprint doctor --dir /scratch/footprint-runs

Run it on an idle machine to see its idle draw.
"""


@click.command(epilog=_EPILOG)
@click.option("--seconds", type=COUNT, default=3.0, help="How long the meter is read.")
@click.option("--meter", default="codecarbon", help="codecarbon, constant:250W (the node) or none.")
@folder_option("Folder to test (./footprint-runs).")
@answer_options("machine")
def command(
    seconds: float,
    meter: str,
    journal_dir: Path | None,
    format_: str | None,
    output: Path | None,
    overwrite: bool,
) -> None:
    """Examine this machine: meters, hardware profile, launcher, journal folder."""
    from footprint.meters import meter_from
    from footprint.tracking.doctor import SCHEMA, diagnose

    folder = journal_dir or folders_or_default(())[0]
    if not 0.5 <= seconds <= 3600:
        raise click.BadParameter(f"must lie between 0.5 and 3600, not {seconds:g}", param_hint="--seconds")
    found = diagnose(meter_from(meter), folder, seconds)
    from footprint.reports.formats import Answer
    from footprint.results.human import folded

    show(
        Answer(
            kind="machine",
            text=lambda: folded("\n".join(map(in_line, _lines(found)))),
            data=found.to_json,
            table=lambda: list(found.components),
            schema=SCHEMA,
        ),
        format_,
        output,
        overwrite=overwrite,
    )


def _lines(found: Diagnosis) -> list[str]:
    from footprint.results.human import wrapped
    from footprint.spelling import on_command_line

    hardware = found.hardware
    lines = [f"cluster       {hardware['cluster'] or 'no profile found'}"]
    boards = hardware["boards"]
    if boards:
        lines.append(
            f"boards        {len(boards)} of {hardware['boards_on_node']} visible: {boards[0]['name']}"
        )
    lines.append(f"processor     {hardware['processor']}, {hardware['cores']} cores")
    if hardware["memory_share"] < 1:
        lines.append(f"memory        {hardware['memory_share']:.0%} of the machine's (cgroup limit)")
    launcher = found.launcher
    if launcher["launcher"] != "none":
        lines.append(
            f"launcher      {launcher['launcher']}, rank {launcher['rank']} of {launcher['world_size']} "
            f"on {launcher['nodes']} nodes"
        )
    lines += ["", "component     how        now"]
    lines += [_component_line(component) for component in found.components]
    journal = found.journal
    state = f"works, {journal['write_s'] * 1000:.1f} ms a line" if journal["works"] else "does NOT work"
    lines += ["", f"journal       {journal['folder']}: {state}"]
    for title, texts in (("problems", found.problems), ("how to improve it", found.advice)):
        if texts:
            lines += ["", title]
            for text in texts:
                first, *rest = wrapped(on_command_line(text), 76)
                lines += [f"  {first}", *(f"    {part}" for part in rest)]
    return lines


def _component_line(component: dict[str, Any]) -> str:
    power = component.get("power_w")
    now = "" if power is None else f"{power:.3g} W"
    if "times_low" in component:
        now += f" (x{component['times_low']:g} to x{component['times_high']:g})"
    return f"{component['component']:<13} {component['how']:<10} {now:<24} {component['source']}".rstrip()
