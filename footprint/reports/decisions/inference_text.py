"""What serving costs as text of 80 columns or as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from footprint.plain_text import fenced, in_line, in_markdown
from footprint.reports.texts.assumed import assumed_text
from footprint.results import Quantity
from footprint.results.decisions.inference import UNSAID, BatchRow, Inference
from footprint.results.human import amount, counted, figures, interval, wrapped
from footprint.spelling import on_command_line

WIDTH = 80
Row = tuple[str, str, str]


def render(result: Inference, *, markdown: bool = False, warnings: bool = False) -> str:
    """The answer as text: speed, memory, energy and cost, the batches, and what was assumed."""
    title = _title(result)
    sections = [
        title if markdown else "\n".join(wrapped(title, WIDTH)),
        _table([("", "median", "90 % interval"), *_answer(result)]),
        _batches(result),
    ]
    if result.models:
        sections.append(_models(result))
    if result.techniques:
        sections.append(_techniques(result))
    if result.break_even:
        sections.append(_break_even(result))
    if markdown:
        head, *blocks = (section for section in sections if section)
        sections = [f"### {in_markdown(head)}", *map(fenced, blocks)]
    sections.append(assumed_text(result.assumptions, markdown=markdown))
    if (markdown or warnings) and result.warnings:
        lines = (in_line(on_command_line(text)) for text in result.warnings)
        sections.append(
            "\n".join(f"- {in_markdown(line)}" if markdown else f"warning: {line}" for line in lines)
        )
    return "\n\n".join(section for section in sections if section)


def _title(result: Inference) -> str:
    load, cluster = result.workload, result.cluster
    lengths = (
        ("items" if result.model.family == "traced" else "images")
        if load.prompt_tokens is None
        else f"{load.prompt_tokens:,} prompt tokens"
        + (f", {load.output_tokens:,} written" if load.output_tokens is not None else "")
    )
    copies = f", {load.replicas_count} copies" if load.replicas_count > 1 else ""
    return (
        f"{result.model.name} on {cluster.count:,} x {cluster.variant}, {result.engine.name}: {lengths}, "
        f"batch {load.batch_size:,}, {load.precision} weights{copies}"
    )


def _row(label: str, quantity: Quantity | None, unit: str, note: str = "") -> Row:
    if quantity is None:
        return label, "unknown", "give --usd-per-hour"
    ends = interval(quantity, unit)
    return label, amount(quantity.mid, unit), f"{ends}, {note}" if note else ends


def _rate(label: str, quantity: Quantity, unit: str, note: str = "") -> Row:
    ends = interval(quantity, "")
    return label, f"{figures(quantity.mid)} {unit}", f"{ends}, {note}" if note else ends


def _answer(result: Inference) -> list[Row]:
    rows: list[Row] = []
    if result.prefill is not None and result.decode is not None:
        prefill, decode = result.prefill, result.decode
        rows += [
            _row("time to first token", prefill.ttft_s, "s", f"{prefill.bound}-bound"),
            _row("time between tokens", decode.itl_s, "s", f"{decode.bound}-bound"),
            _rate("tokens/s, all sequences", decode.tokens_per_s, ""),
        ]
    if result.items is not None:
        items = result.items
        rows += [
            _rate("items/s", items.items_per_s, "", f"{items.bound}-bound"),
            _rate("J an item (boards)", items.energy_j_per_item, "J"),
        ]
    rows.append(_rate("requests/s", result.requests_per_s, ""))
    if result.energy_j_per_output_token is not None and result.it_energy_j_per_output_token is not None:
        rows += [
            _rate("J a token (boards)", result.energy_j_per_output_token, "J"),
            _rate("J a token (node)", result.it_energy_j_per_output_token, "J"),
        ]
    rows += [
        _row("power (boards)", result.accelerator_power_w, "w"),
        _row("power (node)", result.it_power_w, "w"),
    ]
    thousand = result.per_1000_requests
    rows += [
        ("of 1,000 requests:", "", ""),
        _row("  energy (facility)", thousand.energy_kwh, "kwh"),
        _row("  operational CO2e", thousand.co2e_kg, "kg"),
        _row("  cost", thousand.cost_usd, "usd"),
    ]
    if result.total is not None and result.workload.requests is not None:
        rows += [
            (f"of {counted(result.workload.requests)} requests:", "", ""),
            _row("  energy (facility)", result.total.energy_kwh, "kwh"),
            _row("  operational CO2e", result.total.co2e_kg, "kg"),
            _row("  cost", result.total.cost_usd, "usd"),
        ]
        if result.duration_h is not None:
            rows.append(_row("  time on these chips", result.duration_h, "h"))
    memory = result.memory
    rows.append(("weights", f"{figures(memory.weights_gib)} GiB", ""))
    if memory.kv_bytes_per_token:
        rows.append(("cache a token", f"{figures(memory.kv_bytes_per_token / 1024)} KiB", ""))
    rows.append(("largest batch", f"{memory.largest_batch:,}", "by memory"))
    return rows


def _table(rows: list[Row]) -> str:
    first, second = (max(len(row[at]) for row in rows) for at in (0, 1))
    lines = []
    for label, value, ends in rows:
        head = f"  {in_line(label):<{first}}  {value.rstrip():>{second}}  "
        parts = wrapped(ends, WIDTH - len(head))
        lines.append((head + (parts[0] if parts else "")).rstrip())
        lines += [" " * len(head) + part for part in parts[1:]]
    return "\n".join(lines)


def _columns(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A title over right-aligned columns, the first one to the left."""
    every = [head, *rows]
    widths = [max(len(row[at]) for row in every) for at in range(len(head))]
    lines = [
        "  "
        + "  ".join(
            f"{in_line(cell):<{width}}" if at == 0 else f"{in_line(cell):>{width}}"
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in every
    ]
    return "\n".join([title, *lines])


def _batches(result: Inference) -> str:
    """The load at batch 1, chosen and largest."""
    items = result.items is not None

    def cells(one: BatchRow) -> tuple[str, ...]:
        cost = one.cost_usd_per_1000_requests
        return (
            f"{one.batch_size:,} ({one.which})",
            figures(one.tokens_per_s.mid),
            amount(one.itl_s.mid, "s"),
            figures(one.energy_j_per_output_token.mid),
            "-" if cost is None else amount(cost.mid, "usd"),
        )

    head = (
        ("batch", "items/s", "a batch", "J an item", "USD/1,000")
        if items
        else ("batch", "tokens/s", "between", "J a token", "USD/1,000")
    )
    return _columns("By the batch:", head, [cells(one) for one in result.batches])


def _models(result: Inference) -> str:
    rows = [
        (
            one.model,
            figures(one.parameters),
            f"{figures(one.parameters_ratio, 4)} x",
            amount(one.energy_kwh.mid, "kwh"),
            "-" if one.cost_usd is None else amount(one.cost_usd.mid, "usd"),
        )
        for one in result.models
    ]
    head = ("model", "parameters", "fewer", "kWh/1,000", "USD/1,000")
    return _columns("The same load, by model:", head, rows)


def _techniques(result: Inference) -> str:
    rows = [
        (
            one.technique + {True: ", shared prompt", False: ", own prompts", None: ""}[one.shared_prefill],
            counted(one.prompt_tokens),
            counted(one.output_tokens),
            f"{figures(one.flop_ratio)} x",
            amount(one.energy_kwh.mid, "kwh"),
            "-" if one.cost_usd is None else amount(one.cost_usd.mid, "usd"),
        )
        for one in result.techniques
    ]
    head = ("technique", "prompt", "written", "FLOP", "kWh/1,000", "USD/1,000")
    return _columns("By technique, tokens of a request:", head, rows)


def _break_even(result: Inference) -> str:
    lines = ["Break-even:"]
    for one in result.break_even:
        said = "" if one.note.startswith(UNSAID) else "never"
        if one.requests is not None:
            said = f"{figures(one.requests.mid)} requests ({interval(one.requests, '')})"
        said = "; ".join(filter(None, (said, on_command_line(one.note))))
        parts = wrapped(f"{one.against}, {one.quantity}: {said}", WIDTH - 4)
        lines += [f"  {parts[0]}", *(f"    {part}" for part in parts[1:])]
    return "\n".join(lines)
