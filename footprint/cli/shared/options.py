"""Parameter types that the commands share: what people write, catalogue names, files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from footprint.estimator import fields

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem


# Generic for type checkers from click 8.2 on, a plain class at run time before.
if TYPE_CHECKING:
    ParamType = click.ParamType[Any]
else:
    ParamType = click.ParamType


class Human(ParamType):
    """A value as people write it; its kind's reader raises FootprintError with the forms it takes."""

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


class CatalogueName(ParamType):
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
