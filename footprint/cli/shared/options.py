"""Parameter types of the commands: numbers as people write them, catalogue names, files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from footprint.estimator import fields

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem


# Type checkers see the generic class of click 8.2; at run time older versions have a plain class.
if TYPE_CHECKING:
    ParamType = click.ParamType[Any]
else:
    ParamType = click.ParamType


class Human(ParamType):
    """A value as people write it; the error for a wrong value names the accepted forms."""

    def __init__(self, kind: fields.Kind) -> None:
        self.name = kind.word
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value in the kind's base unit."""
        found = self._kind.read(str(value), param.opts[0] if param is not None else self.name)
        if not self._kind.whole:
            return found
        if found != int(found):
            raise click.BadParameter(f"must be a whole number, not {value}", ctx=ctx, param=param)
        return int(found)


class File(ParamType):
    """A path, completed by the shell; pathlib is imported only if a path is given."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path, not checked here: reading or writing it raises the errors."""
        from pathlib import Path

        return Path(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """An item that leaves the completion of files to the shell."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


class CatalogueName(ParamType):
    """A name of a catalogue, completed by the shell; it is looked up later."""

    def __init__(self, name: str, names: Callable[[], list[str]]) -> None:
        self.name = name
        self._names = names

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Names that start with the typed text; files if the text looks like a path."""
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


class Renamed(click.Option):
    """An option that still takes its older names, which the help page does not show."""

    def __init__(self, *args: Any, older: Sequence[str] = (), **settings: Any) -> None:
        super().__init__([*args[0], *older], *args[1:], **settings)
        self._older = older

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The names and the help that are shown."""
        every = self.opts
        self.opts = [name for name in every if name not in self._older]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = every


FILE = File()
AMOUNT = Human(fields.AMOUNT)
COUNT = Human(fields.COUNT)
WHOLE = Human(fields.WHOLE)
SHARE = Human(fields.SHARE)
_CATALOGUES = {
    fields.MODEL: _models,
    fields.CLUSTER: _accelerators,
    fields.PLACE: _places,
    fields.PROVIDER: _providers,
}


def type_of(field: fields.Field) -> Any:
    """The parameter type of a scenario's field."""
    kind = field.kind
    if kind is fields.CHOICE:
        return click.Choice(list(field.choices), case_sensitive=False)
    if kind in _CATALOGUES:
        return CatalogueName(kind.word, _CATALOGUES[kind])
    return str if kind is fields.TEXT else Human(kind)
