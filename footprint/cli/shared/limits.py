"""The options ``--fail-over`` and ``--fail-over-bound``, and the limits that they give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from footprint.vocabulary import ENDS

if TYPE_CHECKING:
    from footprint.parsing import Limit

_EXAMPLES = "'2 MWh', '10 kgCO2e', '$500', '3d'; several may be given."


def limit_options(
    text: str = f"Exit 3 above a limit, {_EXAMPLES}", *, bound: bool = True
) -> Callable[[Any], Any]:
    """A decorator that adds ``--fail-over``, and with ``bound`` the end of the interval that it compares."""

    def decorate(function: Any) -> Any:
        if bound:
            function = click.option(
                "--fail-over-bound",
                type=click.Choice(ENDS, case_sensitive=False),
                help="End of the interval that is compared with the limit (mid).",
            )(function)
        return click.option("--fail-over", metavar="LIMIT", multiple=True, help=text)(function)

    return decorate


def limits_of(fail_over: Sequence[str], bound: str | None = None) -> list[Limit]:
    """The limits of the command line; UsageError for a bound without a limit."""
    from footprint.parsing import parse_limit

    if bound is not None and not fail_over:
        raise click.UsageError(
            "--fail-over-bound chooses the end that --fail-over compares: give --fail-over too"
        )
    return [parse_limit(text, "--fail-over") for text in fail_over]
