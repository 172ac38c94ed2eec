"""A plan as text of 80 columns or as Markdown: what is bought, what it costs, what other laws say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from footprint.catalog.laws import find_law
from footprint.plain_text import fenced, in_line, in_markdown, markdown_table
from footprint.reports.texts.assumed import assumed_text
from footprint.results.decisions.plan import Plan
from footprint.results.human import amount, figures, interval, wrapped

WIDTH = 80
MOST_THRESHOLDS = 6
_UNITS = {"energy_kwh": "kwh", "co2e_kg": "kg", "cost_usd": "usd", "duration_h": "h", "flop": "flop"}
Table = tuple[str, Sequence[Sequence[str]]]
"""Title and rows; the first row is the heading."""


def render(plan: Plan, *, markdown: bool = False, explain: bool = False) -> str:
    """The plan as text; ``explain`` adds the formulas of its training."""
    tables = [table for table in tables_of(plan) if len(table[1]) > 1]
    if markdown:
        parts = [f"### {in_markdown(title_of(plan))}"]
        parts += [_in_markdown(title, rows) for title, rows in tables]
    else:
        parts = ["\n".join(wrapped(title_of(plan), WIDTH))]
        parts += [_in_columns(title, rows) for title, rows in tables]
    if explain and plan.run is not None:
        from footprint.reports.explain import explain_text

        text = explain_text(plan.run)
        parts.append(fenced(text) if markdown else text)
    parts.append(assumed_text(plan.assumptions, markdown=markdown))
    return "\n\n".join(part for part in parts if part)


def short(count: float) -> str:
    """A count as people say it: 9.05B, 184B."""
    for factor, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if count >= factor:
            return f"{figures(count / factor)}{suffix}"
    return figures(count)


def title_of(plan: Plan) -> str:
    """What is bought, on what, by which law."""
    what = f"{short(plan.parameters)} parameters on {short(plan.tokens)} tokens"
    where = ""
    if plan.run is not None:
        cluster = plan.run.cluster
        where = f" on {cluster.count:,} x {cluster.variant}"
    binding = f"{plan.binding_budget} buys " if plan.binding_budget else ""
    return f"{binding}{what}{where}, by {plan.law}"


def tables_of(plan: Plan) -> Iterator[Table]:
    """The tables of a plan, each with its title."""
    yield "", [("", "median", "90 % interval") if plan.run else ("", "answer", ""), *_answer(plan)]
    if len(plan.budgets) > 1:
        rows = [(one.text, figures(one.flop), "binds" if one.binding else "") for one in plan.budgets]
        yield "Budgets", [("budget", "FLOP", ""), *rows]
    if plan.inference is not None:
        yield "With serving", [("", "parameters", "tokens", "total FLOP"), *_served(plan)]
    yield (
        f"Other laws for {figures(plan.flop)} FLOP (each loss is of its own corpus: never compare two)",
        [("law", "parameters", "tokens", "tokens a parameter", "loss"), *_laws(plan)],
    )
    yield (
        f"Shapes of about this size, in sequences of {plan.shapes[0].sequence_length:,} tokens",
        [
            ("layers", "width", "heads", "feed-forward", "words", "parameters", "FLOP, counted", "/ 6ND"),
            *(
                (
                    f"{one.layers}", f"{one.width:,}", f"{one.heads}", f"{one.inner_width:,}",
                    f"{one.vocabulary:,}", short(one.parameters), figures(one.training_flop),
                    figures(one.flop_ratio),
                )
                for one in plan.shapes
            ),
        ],
    )  # fmt: skip
    yield (
        "Built-in models of about this size",
        [
            ("model", "parameters", "tokens", "FLOP, 6ND", "year"),
            *(
                (
                    one.name, short(one.parameters), "" if one.tokens is None else short(one.tokens),
                    "" if one.training_flop is None else figures(one.training_flop), f"{one.year}",
                )
                for one in plan.nearest_models
            ),
        ],
    )  # fmt: skip
    shown = plan.thresholds[:MOST_THRESHOLDS]
    more = len(plan.thresholds) - len(shown)
    passed = [(one.ability, figures(one.training_flop), short(one.parameters), one.model) for one in shown]
    if more:
        passed.append((f"and {more} more, at less", "", "", ""))
    yield (
        "Scales passed at which one family of models showed an ability (no promise)",
        [("ability", "FLOP", "parameters", "family"), *passed],
    )


def _answer(plan: Plan) -> Iterator[Sequence[str]]:
    yield "training FLOP", figures(plan.flop), ""
    yield "parameters", short(plan.parameters), ""
    yield "tokens", short(plan.tokens), ""
    yield "tokens a parameter", figures(plan.tokens_per_parameter), ""
    if plan.epochs > 1:
        yield "epochs", figures(plan.epochs), f"over {short(plan.unique_tokens)} unique tokens"
        yield "effective tokens", short(plan.effective_tokens), ""
    if plan.loss is not None:
        yield "loss", f"{plan.loss:.4g}", "nats a token, of the law's corpus"
    for label, quantity, unit in (
        ("duration", plan.duration_h, "h"),
        ("energy (facility)", plan.energy_kwh, "kwh"),
        ("operational CO2e", plan.co2e_kg, "kg"),
        ("cost", plan.cost_usd, "usd"),
        ("MFU", plan.mfu, ""),
    ):
        if quantity is not None:
            yield label, amount(quantity.mid, unit), interval(quantity, unit)
        elif plan.run is not None and label == "cost":
            yield label, "unknown", "give --usd-per-hour"


def _served(plan: Plan) -> Iterator[Sequence[str]]:
    served = plan.inference
    assert served is not None  # noqa: S101 - asked for where there is one
    own = served.baseline
    yield "this plan", short(plan.parameters), short(plan.tokens), figures(served.total_flop)
    yield "the law's own optimum", short(own.parameters), short(own.tokens), figures(own.total_flop)
    yield f"saved: {100 * served.saved_share:.3g} %", "", "", ""


def _laws(plan: Plan) -> Iterator[Sequence[str]]:
    for one in plan.spread:
        loss = "none" if one.loss is None else f"{one.loss:.4g}"
        ratio = figures(one.tokens / one.parameters)
        counts = find_law(one.law).parameters_are
        name = one.law if counts == "all" else f"{one.law} ({counts})"
        yield name, short(one.parameters), short(one.tokens), ratio, loss


def _in_columns(title: str, rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns: the first to the left, the others to the right, but for texts at the end."""
    widths = [max(len(in_line(row[i])) for row in rows) for i in range(len(rows[0]))]
    # Columns of very large numbers stand closer together.
    gap = "  " if 2 * len(widths) + sum(widths) <= WIDTH else " "
    left = [any(cell[:1].isalpha() for cell in column) for column in zip(*rows[1:], strict=True)]
    lines = wrapped(title + ":", WIDTH) if title else []
    for row in rows:
        cells = [
            f"{in_line(cell):<{width}}" if i == 0 or as_text else f"{in_line(cell):>{width}}"
            for i, (cell, width, as_text) in enumerate(zip(row, widths, left, strict=True))
        ]
        lines.append(("  " + gap.join(cells)).rstrip())
    return "\n".join(lines)


def _in_markdown(title: str, rows: Sequence[Sequence[str]]) -> str:
    return (f"**{in_markdown(title)}**\n\n" if title else "") + markdown_table(rows)
