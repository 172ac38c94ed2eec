"""An alignment stage as text of 80 columns."""

from __future__ import annotations

from footprint.plain_text import in_line
from footprint.results.decisions.stages import Stages
from footprint.results.human import counted, figures, wrapped
from footprint.units import FLOP_PER_PF_DAY

WIDTH = 80


def render(result: Stages) -> str:
    """Every pass with its FLOP in PF-days, exact and by the rule, and the sum."""
    helper = "" if result.helper == result.model else f", value and reward model {result.helper}"
    title = (
        f"{result.model}, {result.name}: {counted(result.samples)} samples of {result.sequence_length:,} "
        f"tokens{helper}"
    )
    rows = [("", "sequences", "PF-days", "by the rule", "share")]
    rows += [
        (
            f"{one.model} {one.does}s: {one.what}",
            counted(one.sequences),
            figures(one.flop / FLOP_PER_PF_DAY),
            figures(one.rule_flop / FLOP_PER_PF_DAY),
            f"{100 * one.flop / result.flop:.0f} %",
        )
        for one in result.passes
    ]
    rows.append(("together", "", figures(result.pf_days), figures(result.rule_pf_days), ""))
    first = min(max(len(row[0]) for row in rows), 38)
    lines = []
    for label, *cells in rows:
        head, *rest = wrapped(in_line(label), first) if label else [""]
        right = "".join(f"{cell:>{width}}" for cell, width in zip(cells, (11, 9, 13, 7), strict=True))
        lines.append(f"  {head:<{first}}{right}".rstrip())
        lines += [f"    {part}" for part in rest]
    rule = (
        f"The rule counts 6 N a trained and 2 N a forward token, without attention, at "
        f"{'2,000' if result.sequence_length == 2048 else f'{result.sequence_length:,}'} tokens a sequence. "
        f"1 PF-day is 8.64e19 FLOP."
    )
    note = wrapped(f"Source: {result.source}; {result.note}.", WIDTH)
    return "\n".join([*wrapped(title, WIDTH), "", *lines, "", *wrapped(rule, WIDTH), *note])
