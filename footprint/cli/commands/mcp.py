"""Answer the questions of an agent over the Model Context Protocol, on stdin and stdout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_EPILOG = """\b
Examples:
  footprint mcp

Needs the extra: pip install "footprint-ml[mcp]". The agent's program starts
and ends it: give it the command "footprint" with the argument "mcp". The
tools read files that you can read, write none, and use no network.
"""
_INSTRUCTIONS = (
    "Estimates of what training a machine-learning model costs. Every quantity is a median with a 90 % "
    "interval (low, mid, high): quote the interval, the warnings and the assumptions that matter. An unknown "
    "name is an error that names the nearest ones."
)
Fields = dict[str, str | int | float | bool]


def estimate(hw: str, model: str = "", options: Fields | None = None) -> dict[str, Any]:
    """What a training costs before it runs: hours, kWh, CO2e and USD, with 90 % intervals and assumptions.

    `hw` is an accelerator and its count, such as h100:64. `model` is a built-in name or the path of a
    config.json; without one give `parameters` (such as 1.5B) in `options`. `options` are the other fields
    of `footprint estimate`, such as region, tokens, hours, mfu, pue, usd_per_hour, precision. What is
    given replaces an assumption and narrows the interval.
    """
    import footprint

    return footprint.estimate(hw=hw, **_fields(hw, model, options)).to_json()


def compare(hw: list[str], model: str = "", options: Fields | None = None) -> dict[str, Any]:
    """The same training on several kinds of hardware side by side, with ratios to the first.

    `hw` is a list such as ["v100:8", "h100:8"]; `model` and `options` are those of the tool estimate.
    """
    import footprint

    return footprint.compare({"hw": hw}, **_fields(hw[0] if hw else "", model, options)).to_json()


def report(inputs: list[str], by: list[str] | None = None) -> dict[str, Any]:
    """What recorded runs used, each run once: sums of kWh, CO2e and USD, and the energy of failed runs.

    `inputs` are paths: report CSVs, folders of journals, JSON of `footprint`, codecarbon's emissions.csv,
    power logs, Parquet. `by` groups the sums: project, model, hardware, place, month or any column.
    """
    import footprint

    return footprint.report(*inputs, by=by or ()).to_json()


def _fields(hw: str, model: str, options: Fields | None) -> dict[str, Any]:
    """The fields of a scenario without its hardware; an unknown field is an error."""
    from footprint.estimator.request import EstimateRequest

    fields = {**({"model": model} if model else {}), **(options or {})}
    EstimateRequest.from_mapping({"hw": hw, **fields}, "options")
    return fields


def _told(call: Callable[..., dict[str, Any]], error: type[Exception]) -> Callable[..., dict[str, Any]]:
    """The tool; the agent gets the error messages of the command line."""
    import functools

    from footprint.errors import FootprintError

    @functools.wraps(call)
    def tool(*given: Any, **named: Any) -> dict[str, Any]:
        try:
            return call(*given, **named)
        except FootprintError as wrong:
            raise error(str(wrong)) from None

    return tool


@click.command(epilog=_EPILOG)
def command() -> None:
    """Answer the questions of an agent: a server of the Model Context Protocol.

    Tools: estimate, compare and report. Their answers are the JSON of these commands.
    """
    from footprint.catalog.version import footprint_version
    from footprint.errors import FootprintError

    try:
        from mcp.server.mcpserver import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
    except ImportError as error:
        raise FootprintError(f'to serve agents: pip install "footprint-ml[mcp]" ({error})') from None
    server = MCPServer("footprint", instructions=_INSTRUCTIONS, version=footprint_version())
    tools: tuple[Callable[..., dict[str, Any]], ...] = (estimate, compare, report)
    for tool in tools:
        server.add_tool(_told(tool, ToolError))
    server.run("stdio")
