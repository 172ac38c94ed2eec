"""One record of the catalogue as text for people, with its sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from footprint.errors import FootprintError
from footprint.flops.own_sizes import with_own_sizes
from footprint.results.human import amount, figures, wrapped
from footprint.schema import StepShape
from footprint.vocabulary import PURCHASES

WIDTH = 80
Record = Mapping[str, Any]
Fact = tuple[str, str]


def hardware_card(record: Record) -> str:
    """A chip: its peaks, power, memory and links, its node forms, its sources."""
    facts = [
        ("what", f"{record['kind'].upper()}, counted by the {record['unit']}, {record['year']}"),
        ("dense peak", _peaks(record["peak_flop_per_s"])),
        ("power", _power(record)),
        ("memory", f"{_exact(record['memory_gib'])} GiB, {_rate(record['memory_byte_per_s'])}"),
    ]
    if record["link_byte_per_s"]:
        facts.append(("links", f"{_rate(record['link_byte_per_s'])} one direction, all together"))
    if record["devices_per_unit"] > 1:
        facts.append(("devices", f"frameworks see {record['devices_per_unit']} per {record['unit']}"))
    if record["embodied_low_kg"]:
        ends = (record["embodied_low_kg"], record["embodied_high_kg"])
        facts.append(("embodied CO2e", " - ".join(amount(end, "kg", 2) for end in ends)))
    facts += [("node", _node(node)) for node in record["nodes"]]
    command = f"footprint estimate --model bert-base --hw {record['id']}:{record['nodes'][0]['accelerators']}"
    return _card(record, facts, command)


def model_card(record: Record) -> str:
    """A model: its size and shape, its recipe, its sources."""
    config, recipe = record["config"], record["recipe"] or {}
    counted = "counted by formula" if record["counted"] else "not countable by formula"
    facts = [("what", f"{config['model_type']}, {record['year']}; {counted}")]
    if record["parameters"]:
        facts.append(("parameters", f"{figures(record['parameters'])} as published"))
    facts.append(("config", _plain(config, leave_out=("model_type",))))
    facts += [("phase", _plain(phase).replace("_", " ")) for phase in recipe.get("phases", ())]
    if recipe.get("tokens"):
        facts.append(("tokens", figures(recipe["tokens"])))
    known = ("objective", "method", "precision", "optimizer", "recompute")
    facts.append(("recipe", _plain({key: recipe.get(key) for key in known}) or "none was published"))
    if recipe.get("accelerator"):
        count = f"{recipe['accelerators']:,} x " if recipe.get("accelerators") else ""
        hours = f", {_exact(recipe['duration_h'])} h" if recipe.get("duration_h") else ""
        facts.append(("published on", f"{count}{recipe['accelerator']}{hours}"))
    return _card(record, facts, _next(record, config, recipe), recipe.get("note"))


STATE_BYTE = 18
"""Of a parameter that is trained with Adam in 16 bits: weight, gradient and optimiser states."""
H100_BYTE = 80e9


def _next(record: Record, config: Record, recipe: Record) -> str:
    """A command that estimates this model, with an example value for each unpublished fact."""
    phases: Sequence[Record] = recipe.get("phases") or ({},)
    options = ""
    own = _own_sizes(config)
    if not recipe.get("tokens") and not all(phase.get("steps") for phase in phases):
        options += " --samples 300M" if own.image_size else " --tokens 10B"
    if not all(phase.get("sequences_per_step") for phase in phases):
        options += " --batch-size 512"
    sized = own.image_size or own.sequence_length
    if not sized and not all(phase.get("sequence_length") or phase.get("image_size") for phase in phases):
        options += " --seq-len 2048"
    count = 8
    while count * H100_BYTE < STATE_BYTE * (record.get("parameters") or 0.0):
        count *= 2
    return f"footprint estimate --model {record['id']} --hw h100:{count}{options}"


def _own_sizes(config: Record) -> StepShape:
    """The sizes of a step that the model itself fixes; none where its config cannot be counted."""
    try:
        return with_own_sizes(config, StepShape(sequences=1))
    except FootprintError:
        return StepShape(sequences=1)


def place_card(record: Record) -> str:
    """A place: the carbon intensity of its electricity, its interval, PUE, sources."""
    ends = f"{figures(record['low_g_per_kwh'], 2)} - {figures(record['high_g_per_kwh'], 2)}"
    facts = [
        ("intensity", f"{figures(record['g_per_kwh'])} g/kWh ({ends}) in {record['year']}"),
        ("basis", f"{record['basis']}, location-based; {record['evidence']}"),
    ]
    if record["market_g_per_kwh"] is not None:
        facts.append(("market-based", f"{figures(record['market_g_per_kwh'])} g/kWh"))
    if record["factor_key"] and record["factor_key"] != record["key"]:
        facts.append(("the factor of", record["factor_key"]))
    pue = record["pue"]
    ends = f"{figures(pue['low'])} - {figures(pue['high'])}"
    facts.append(("PUE", f"{figures(pue['mid'])} ({ends}) in {pue['year']}"))
    cited = [record["source"], pue["source"]]
    for name, of in (("on_site", "IT energy"), ("off_site", "electricity, at power stations")):
        water = record["water"][f"{name}_l_per_kwh"]
        if water is not None:
            ends = f"{figures(water['low'], 2)} - {figures(water['high'], 2)}"
            facts.append(
                (f"water {name.replace('_', ' ')}", f"{figures(water['mid'])} l/kWh ({ends}) of {of}")
            )
            cited.append(record["water"][f"{name}_source"])
    command = f"footprint estimate --model bert-base --hw v100:8 --region {record['key']}"
    return _card(record, facts, command, sources=cited)


def price_card(record: Record) -> str:
    """The price of an accelerator-hour for each way to buy it, with its sources."""
    facts: list[Fact] = []
    cited: list[str] = []
    for purchase in PURCHASES:
        quote = record[purchase]
        if quote is None:
            facts.append((purchase, "no offer known: give --usd-per-hour"))
            continue
        price = quote["usd_per_accelerator_h"]
        ends = "" if price["low"] == price["high"] else f" ({_usd(price['low'])} - {_usd(price['high'])})"
        facts.append((purchase, f"{_usd(price['mid'])} an hour{ends}; {quote['interval']}"))
        cited += quote["source"].split("; ")
    command = f"footprint prices search {record['accelerator']}"
    return _card({**record, "id": record["accelerator"]}, facts, command, sources=cited)


def stack_card(record: Record) -> str:
    """A software stack: its kernels, what it fuses and hides, whether rows of it are in the fit."""
    kernels = "a vendor's tuned kernels" if record["kernels"] == "tuned" else "PyTorch's own kernels"
    host, overlap, captured = record["host_s"], record["overlap_share"], record["captures_since_year"]
    fitted = record["basis"] == "fitted"
    facts = [
        ("what", f"{kernels}, since {record['since_year']}"),
        ("pointwise", "fused" if record["fuses"] else "one kernel for each operation"),
        ("host", "typical" if host is None else f"{_exact(host * 1e6)} us to launch an operation (assumed)"),
        ("hidden", "typical" if overlap is None else f"{overlap:.0%} of communication (assumed)"),
        *([("layout", "; ".join(layout))] if (layout := _layout_facts(record)) else []),
        *([("early", "encoders and convolutions fused before 2023, too")] if record["fused_early"] else []),
        *([("steps", f"captured as graphs since {captured}")] if captured else []),
        *([("experts", experts)] if (experts := _experts(record)) else []),
        *([("adapters", "in 32 bits beside a 16-bit model")] if record["adapter_byte"] else []),
        *([("repeats", _repeated(record["recompute_share"]))] if record["recompute_share"] else []),
        ("evidence", "published rows are in the fit" if fitted else "no fitted row: wider intervals"),
    ]
    command = f"footprint estimate --model llama3.1-8b --hw h100:8 --stack {record['id']}"
    return _card(record, facts, command, sources=[record["source"]])


def _layout_facts(record: Record) -> list[str]:
    """What a stack can split and shard, and how its recipes take a batch."""
    since = record["shards_since_year"]
    facts = {
        "neither tensors nor layers nor sequences are split": not record["splits"],
        "no pipelines": record["splits"] and not record["pipelines"],
        f"weights are sharded since {since}": since,
        "every block is recomputed, or none": not record["recomputes_part"],
        "one micro-batch a step where it fits": not record["accumulates"],
        "inputs of recomputed blocks lie in the host's memory": record["offloads_inputs"],
    }
    return [fact for fact, holds in facts.items() if holds]


def _experts(record: Record) -> str:
    """How a stack computes experts and sends them tokens, as a fact of its card; empty for the usual way."""
    looped, since = record["experts_looped_until_year"], record["grouped_narrow_since"]
    facts = (
        "one grouped product" if record["grouped_experts"] else "",
        f"a loop in Python until {looped}" if looped else "",
        f"one grouped product in 8 bits on Blackwell since {since}" if since else "",
        "" if record["sends_once"] else "each copy of a token is sent (alltoall)",
        "tokens are sorted by kernels of their own" if record["sorts_apart"] else "",
    )
    return "; ".join(fact for fact in facts if fact)


def _repeated(share: float) -> str:
    """What a stack's recipes compute again, as a fact of its card."""
    return f"{share:.0%} of the work of its layers by default, whatever fits (--recompute)"


def _card(
    record: Record, facts: Sequence[Fact], command: str, note: str | None = None, sources: Iterable[str] = ()
) -> str:
    """The text of a card: title, facts, notes, sources and a next command."""
    name = record.get("id") or record["key"]
    title = f"{record['name']} ({name})"
    if record.get("aliases"):
        title += f", also {', '.join(record['aliases'])}"
    lines = [*wrapped(title, WIDTH), ""]
    width = max(len(label) for label, _ in facts)
    for label, text in facts:
        first, *rest = wrapped(text, WIDTH - width - 4)
        lines += [f"  {label:<{width}}  {first}", *(" " * (width + 4) + line for line in rest)]
    for remark in dict.fromkeys((record.get("note"), note)):
        if remark:
            lines += ["", *(f"  {line}" for line in wrapped(remark, WIDTH - 2))]
    cited = _sources(record, sources)
    return "\n".join([*lines, *([""] if cited else []), *cited, "", f"Next: {command}"])


def _sources(record: Record, keys: Iterable[str]) -> list[str]:
    from footprint.catalog.sources import describe

    cited = [*keys, *(cite["source"] for cite in record.get("cite", {}).values())]
    each = dict.fromkeys(key for text in cited for key in text.split("; "))
    lines = ["Sources (--explain shows the source and basis of each number):"] if each else []
    for key in each:
        for text in describe(key):
            first, *rest = wrapped(text, WIDTH - 4)
            lines += [f"  {first}", *(f"    {line}" for line in rest)]
    return lines


def _peaks(peaks: Mapping[str, float]) -> str:
    by_rate: dict[float, list[str]] = {}
    for precision, rate in peaks.items():
        by_rate.setdefault(rate, []).append(precision)
    return "; ".join(
        f"{_exact(rate / 1e12)} TFLOP/s {' and '.join(names)}"
        for rate, names in sorted(by_rate.items(), reverse=True)
    )


def _power(record: Record) -> str:
    parts = []
    if record["tdp_w"]:
        parts.append(f"{_exact(record['tdp_w'])} W limit")
    if record["measured_w"]:
        ends = f"{_exact(record['measured_low_w'])} - {_exact(record['measured_high_w'])}"
        host = ", host share included" if record["nodes"][0]["host_in_measured_w"] else ""
        parts.append(f"{_exact(record['measured_w'])} W ({ends}) while training{host}")
    if record["idle_w"]:
        parts.append(f"{_exact(record['idle_w'])} W idle")
    return ", ".join(parts) or "not published"


def _node(node: Record) -> str:
    host = node["cpu_w"] + node["ram_w"] + node["other_w"]
    text = f"{node['id']}: {node['accelerators']} in one, "
    text += f"host {_exact(host)} W ({_exact(node['host_low_w'])} - {_exact(node['host_high_w'])})"
    if node["max_w"]:
        text += f", rated {_exact(node['max_w'])} W"
    if node["network_byte_per_s"]:
        text += f", network {_rate(node['network_byte_per_s'])}"
    return f"{text}, {node['cooling']}"


def _plain(facts: Record, leave_out: Sequence[str] = ()) -> str:
    """The fields of a record as words, without nested and absent fields."""
    return ", ".join(
        f"{key} {value:,g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in facts.items()
        if key not in leave_out and value not in (None, "") and not isinstance(value, (Mapping, list, tuple))
    )


def _rate(byte_per_s: float) -> str:
    factor, unit = (1e12, "TB/s") if byte_per_s >= 1e12 else (1e9, "GB/s")
    return f"{_exact(byte_per_s / factor)} {unit}"


def _exact(value: float) -> str:
    """A published number with all its figures."""
    return f"{value:,.6g}"


def _usd(value: float) -> str:
    return amount(value, "usd")
