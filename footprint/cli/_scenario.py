"""The options that describe a scenario: shared by the commands that take one, in sections of their help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from footprint.cli._options import (
    AMOUNT,
    BANDWIDTH,
    COUNT,
    DURATION_H,
    PRICE,
    PROVIDER,
    REGION,
    SHARE,
    USD,
    WHOLE,
)


def one_of(values: list[str]) -> click.Choice[str]:
    """One of some words, in capitals or not."""
    return click.Choice(values, case_sensitive=False)


# Options that are fields of the scenario, by the section of the help page they stand in.
SECTIONS: dict[str, list[tuple[str, Any, str]]] = {
    "workload": [
        ("--tokens", COUNT, "Training tokens; encoder-decoders count source and target."),
        ("--samples", COUNT, "Training sequences or images."),
        ("--steps", COUNT, "Optimiser steps."),
        ("--epochs", COUNT, "Passes over the data (multiplies --tokens or --samples)."),
        ("--batch-size", WHOLE, "Sequences or samples of one global step."),
        ("--seq-len", WHOLE, "Tokens a sequence (source, for encoder-decoders)."),
        ("--tgt-seq-len", WHOLE, "Target tokens a sequence (encoder-decoders)."),
        ("--image-size", WHOLE, "Pixels a side."),
        ("--document-length", COUNT, "Mean tokens of packed documents that attention does not cross."),
    ],
    "method": [
        ("--method", one_of(["pretrain", "finetune", "lora", "qlora"]), "What is trained."),
        ("--lora-rank", WHOLE, "Rank of the adapters (16)."),
        ("--lora-targets", str, "Adapted projections, comma-separated."),
        ("--frozen", str, "Frozen parts, comma-separated."),
    ],
    "execution": [
        ("--precision", one_of(["fp32", "tf32", "fp16", "bf16", "fp8"]), "Arithmetic of the matmuls."),
        ("--tp", WHOLE, "Tensor-parallel size."),
        ("--pp", WHOLE, "Pipeline-parallel size."),
        ("--dp", WHOLE, "Data-parallel size."),
        ("--cp", WHOLE, "Context-parallel size."),
        ("--ep", WHOLE, "Expert-parallel size."),
        ("--micro-batch", WHOLE, "Sequences of one micro-batch on one replica."),
        ("--recompute", one_of(["none", "selective", "full"]), "Activation recomputation."),
        ("--attention", one_of(["flash", "eager"]), "Attention kernel."),
        ("--optimizer", str, "Optimiser (adam)."),
        ("--stack", one_of(["tuned", "native"]), "A vendor's tuned software, or PyTorch's own."),
    ],
    "cluster": [
        ("--accelerators-per-node", WHOLE, "Accelerators in one server."),
        ("--cooling", one_of(["air", "water", "immersion"]), "Cooling of the servers."),
        ("--network", BANDWIDTH, "Network of one node, one direction: 400Gb/s, 50GB/s."),
    ],
    "known already": [
        ("--anchor", str, "Measured steps of your own stack, names or files: the nearest counts."),
        ("--hours", DURATION_H, "Wall-clock duration."),
        ("--step-time-s", COUNT, "Duration of one step [s]."),
        ("--tokens-per-second", COUNT, "Throughput of the whole cluster."),
        ("--samples-per-second", COUNT, "Throughput of the whole cluster."),
        ("--mfu", SHARE, "Step MFU: model FLOPs, full attention, dense peak."),
        ("--goodput", SHARE, "Share of the time that makes progress."),
        ("--it-power-w", COUNT, "Mean power of the whole cluster at the node [W]."),
        ("--accelerator-power-w", COUNT, "Mean power of one board [W]; host added."),
    ],
    "place": [
        ("--region", REGION, "Country, state or cloud region: FRA, US-VA, aws:us-east-1."),
        ("--year", WHOLE, "Year of grid, PUE, prices and techniques (newest)."),
        ("--pue", COUNT, "Power usage effectiveness of the site."),
        ("--grid-g-per-kwh", AMOUNT, "Carbon intensity of the electricity [gCO2e/kWh]."),
    ],
    "price": [
        ("--provider", PROVIDER, "Cloud provider (median over all)."),
        (
            "--purchase",
            one_of(["on_demand", "spot", "reserved_1y", "reserved_3y"]),
            "How the hours are bought (on_demand).",
        ),
        ("--usd-per-hour", PRICE, "Price of one accelerator-hour."),
        ("--electricity-usd-per-kwh", PRICE, "Owned hardware: tariff."),
        ("--capital-usd", USD, "Owned hardware: price of one accelerator with its share of the server."),
        ("--lifetime-years", COUNT, "Owned hardware: years in service."),
        ("--utilisation", SHARE, "Owned hardware: share of its life in use."),
    ],
    "repeats": [
        ("--runs", WHOLE, "Runs that succeed."),
        ("--failed-share", SHARE, "Share of all hours that failed runs take."),
    ],
}
_FIELD_OF = {"network": "network_byte_per_s"}
_LISTS = ("lora_targets", "frozen")
_MAIN = ("--model", "--hw")


class SectionedCommand(click.Command):
    """A command whose help page groups its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, section by section."""
        section_of = {flag: title for title, rows in SECTIONS.items() for flag, _, _ in rows}
        grouped: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                title = section_of.get(
                    param.opts[0], "output" if param.opts[0] not in _MAIN else "what and where"
                )
                grouped.setdefault(title, []).append(record)
        for title, rows in grouped.items():
            with formatter.section(title.capitalize()):
                formatter.write_dl(rows)


def scenario_options(*sections: str) -> Callable[[Any], Any]:
    """A decorator that adds the options of these sections, in order."""

    def decorate(function: Any) -> Any:
        for section in reversed(sections):
            for flag, kind, text in reversed(SECTIONS[section]):
                function = click.option(flag, type=kind, help=text, metavar=_metavar(kind))(function)
        return function

    return decorate


def _metavar(kind: Any) -> str | None:
    if isinstance(kind, click.Choice):
        return None
    return str(getattr(kind, "name", "text")).upper()


def given_fields(options: dict[str, Any]) -> dict[str, Any]:
    """The scenario fields that were set on the command line."""
    fields: dict[str, Any] = {}
    for name, value in options.items():
        if value is None or value is False:
            continue
        field = _FIELD_OF.get(name, name)
        fields[field] = (
            [part.strip() for part in value.split(",") if part.strip()] if field in _LISTS else value
        )
    return fields
