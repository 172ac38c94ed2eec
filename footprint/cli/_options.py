"""Parameter types that the commands share: human numbers, catalogue names, output files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from footprint import parsing

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem


# Generic for type checkers from click 8.2 on, a plain class at run time before.
if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType


class Human(_ParamType):
    """A number as people write it; the parser raises FootprintError with the forms it takes."""

    def __init__(self, name: str, parse: Callable[[str, str], float], *, whole: bool = False) -> None:
        self.name = name
        self._parse = parse
        self._whole = whole

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | int:
        """The number in the parser's base unit."""
        label = param.opts[0] if param is not None else self.name
        number = self._parse(str(value), label)
        if not self._whole:
            return number
        if number != int(number):
            raise click.BadParameter(f"must be a whole number, not {value}", ctx=ctx, param=param)
        return int(number)


COUNT = Human("number", parsing.parse_count)
WHOLE = Human("integer", parsing.parse_count, whole=True)
BANDWIDTH = Human("bandwidth", parsing.parse_byte_per_s)
DURATION_H = Human("hours", parsing.parse_duration_h)
USD = Human("usd", parsing.parse_usd)
PRICE = Human("usd", parsing.parse_price)
SHARE = Human("share", parsing.parse_share)
AMOUNT = Human("number", parsing.parse_amount)


class File(_ParamType):
    """A path, completed by the shell; pathlib is imported only where one is given."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; whoever reads or writes it says what is wrong with it."""
        from pathlib import Path

        return Path(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Leave it to the shell, which knows the files."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


class CatalogueName(_ParamType):
    """A name of a catalogue, completed by the shell; looked up later, with near matches."""

    def __init__(self, name: str, names: Callable[[], list[str]]) -> None:
        self.name = name
        self._names = names

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Names that start with what was typed; a path's completion where it looks like one."""
        from click.shell_completion import CompletionItem

        if "/" in incomplete or incomplete.startswith("."):
            return [CompletionItem(incomplete, type="file")]
        wanted = incomplete.lower()
        return [CompletionItem(name) for name in self._names() if name.lower().startswith(wanted)]


def _models() -> list[str]:
    from footprint.catalog.models import model_ids

    return model_ids()


def _accelerators() -> list[str]:
    from footprint.catalog.hardware import accelerator_ids

    return accelerator_ids()


def _places() -> list[str]:
    from footprint.catalog.places import place_keys

    return place_keys()


def _providers() -> list[str]:
    from footprint.catalog.prices import providers

    return providers()


FILE = File()
MODEL = CatalogueName("name|file", _models)
HARDWARE = CatalogueName("cluster", _accelerators)
REGION = CatalogueName("place", _places)
PROVIDER = CatalogueName("provider", _providers)


def write_output(text: str, path: Path | None, *, overwrite: bool) -> None:
    """Print the text, or write it to a new file; an existing one needs ``--overwrite``.

    Raises FootprintError where the file exists or its folder cannot be written.
    """
    if path is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    from footprint.reports.files import write_new

    write_new(path, text if text.endswith("\n") else text + "\n", overwrite=overwrite)
