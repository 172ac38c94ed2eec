"""Records that cost next to nothing to define: standard dataclasses with shared methods.

``@record`` is frozen and keyword-only, ``@value`` is frozen and takes its fields by position too,
``@state`` can be changed. All are slotted, and `dataclasses.fields`, ``replace`` and ``asdict``,
copying, pickling, pydantic and type checkers take them like any other dataclass. The one
difference is where their methods come from: ``@dataclass`` compiles up to six functions from
source text for every class each time a program starts, about 1.4 ms a class, which for the
command line's sixty is more than all the rest of its start. Here they are written once, and the
standard module is imported when one of its functions first asks a class for its fields.

Not supported, since nothing here needs it: ``InitVar`` and ``field(init=False)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_T = TypeVar("_T")
_set = object.__setattr__


def names_of(one: Any) -> tuple[str, ...]:
    """The names of the fields of a record or its class, in order."""
    names: tuple[str, ...] = one._record_names
    return names


def metadata_of(kind: Any) -> dict[str, Mapping[str, Any]]:
    """Field -> the metadata of each field that has some."""
    said: dict[str, Mapping[str, Any]] = kind._record_said
    return said


class _Given:
    """What `field` was given."""

    __slots__ = ("compare", "default", "default_factory", "metadata", "repr")

    def __init__(self, **said: Any) -> None:
        self.repr = self.compare = True
        self.metadata: Mapping[str, Any] = {}
        for name, value in said.items():
            setattr(self, name, value)

    def said(self) -> dict[str, Any]:
        """Its arguments."""
        return {name: getattr(self, name) for name in self.__slots__ if hasattr(self, name)}


def _as_given(default: Any) -> Any:
    """What a class says of a field, where it says it with the standard function."""
    if type(default).__name__ != "Field" or type(default).__module__ != "dataclasses":
        return default
    from footprint.standard_fields import said_of

    return _Given(**said_of(default, _Given.__slots__))


def field(
    *,
    default: Any = ...,
    default_factory: Callable[[], Any] = ...,  # type: ignore[assignment]
    repr: bool = True,  # noqa: A002 - the standard name
    compare: bool = True,
    metadata: Mapping[str, Any] = ...,  # type: ignore[assignment]
) -> Any:
    """A field of a record with more than a default, as of `dataclasses.field`."""
    said = {"default": default, "default_factory": default_factory, "metadata": metadata}
    given = {name: value for name, value in said.items() if value is not ...}
    return _Given(repr=repr, compare=compare, **given)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(cls: type[_T]) -> type[_T]:
    """The class as a frozen, slotted, keyword-only dataclass."""
    made: type[_T] = _made(cls, _FROZEN, _init, kw_only=True)
    return made


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[_T]) -> type[_T]:
    """The class as a frozen, slotted dataclass whose fields may be given by position."""
    made: type[_T] = _made(cls, _FROZEN, _init_by_position, kw_only=False)
    return made


@dataclass_transform(field_specifiers=(field,))
def state(cls: type[_T]) -> type[_T]:
    """The class as a slotted dataclass that can be changed; not hashable."""
    made: type[_T] = _made(cls, _CHANGING, _init_by_position, kw_only=False)
    return made


def replace(one: _T, /, **changes: Any) -> _T:
    """A record with some fields changed; `dataclasses.replace` for records only, three times as fast.

    Raises TypeError for a field that it does not have.
    """
    kind: Any = type(one)
    names = kind._record_names
    new: _T = kind.__new__(kind)
    for name in names:
        _set(new, name, changes[name] if name in changes else getattr(one, name))
    if not changes.keys() <= set(names):
        raise TypeError(f"{kind.__name__} has no field {', '.join(changes.keys() - set(names))}")
    if kind._record_checks:
        new.__post_init__()  # type: ignore[attr-defined]
    return new


class _Fields:
    """``__dataclass_fields__`` of a class, made when it is first read: few programs read it."""

    def __init__(self, annotations: dict[str, str], given: dict[str, Any], kw_only: bool) -> None:
        self.annotations, self.given, self.kw_only = annotations, given, kw_only

    def __get__(self, one: object, cls: Any = None) -> dict[str, Any]:
        """The fields of the class that has this attribute, base classes' first."""
        from footprint.standard_fields import fields_of

        owner = next(base for base in cls.__mro__ if vars(base).get("__dataclass_fields__") is self)
        fields: dict[str, Any] = {}
        for base in owner.__mro__[:0:-1]:
            fields.update(getattr(base, "__dataclass_fields__", {}))
        said = {
            name: one.said() if isinstance(one, _Given) else {"default": one}
            for name, one in self.given.items()
        }
        owner.__dataclass_fields__ = fields | fields_of(self.annotations, said, kw_only=self.kw_only)
        return dict(owner.__dataclass_fields__)


class _Parameters:
    """``__dataclass_params__`` of every class, made when it is first read."""

    def __get__(self, one: object, cls: Any = None) -> Any:
        from footprint.standard_fields import parameters

        return parameters()


_PARAMETERS = _Parameters()


def _made(cls: Any, methods: dict[str, Any], init: Any, *, kw_only: bool) -> Any:
    """The class with slots for its annotated fields, and with the shared methods."""
    body = dict(vars(cls))
    inherited: tuple[str, ...] = ()
    values: dict[str, Any] = {}
    factories: dict[str, Any] = {}
    said: dict[str, Any] = {}
    apart: set[str] = set()
    for base in cls.__mro__[:0:-1]:
        if base.__dict__.get("_record_names"):
            inherited = base._record_names
            values, factories = dict(base._record_values), dict(base._record_factories)
            said, apart = base._record_said, set(names_of(base)) - set(base._record_compared)
    own = {n: a for n, a in body.get("__annotations__", {}).items() if not a.startswith("ClassVar")}
    given = {name: body.pop(name) for name in own if name in body}
    given = {name: _as_given(default) for name, default in given.items()}
    special = {name: one for name, one in given.items() if isinstance(one, _Given)}
    apart = {*apart, *(name for name, one in special.items() if not one.compare)}
    for name, default in given.items():
        values.pop(name, None)
        factories.pop(name, None)
        if name not in special:
            values[name] = default
        elif hasattr(default, "default_factory"):
            factories[name] = default.default_factory
        elif hasattr(default, "default"):
            values[name] = default.default
    slots = tuple([name for name in own if name not in inherited])
    names = inherited + slots
    body.pop("__dict__", None)
    body.pop("__weakref__", None)
    shown = body.get("__repr__", methods["__repr__"])
    body.update(methods, __repr__=shown)
    body.update(
        __slots__=slots,
        __match_args__=() if kw_only else names,
        __dataclass_fields__=_Fields(own, given, kw_only),
        __dataclass_params__=_PARAMETERS,
        __init__=init,
        _record_names=names,
        _record_compared=tuple([name for name in names if name not in apart]),
        _record_said={**said, **{name: one.metadata for name, one in special.items() if one.metadata}},
        _record_values=values,
        _record_factories=factories,
        _record_checks=hasattr(cls, "__post_init__"),
    )
    made = type(cls)(cls.__name__, cls.__bases__, body)
    made.__qualname__ = cls.__qualname__
    return made


# ------------------------------------------------------------------------ shared methods


def _init(self: Any, /, **given: Any) -> None:
    values = self._record_values | given
    if len(values) == len(self._record_names):
        try:
            for name in self._record_names:
                _set(self, name, values[name])
        except KeyError:
            _init_with_care(self, given)
    else:
        _init_with_care(self, given)
    if self._record_checks:
        self.__post_init__()


def _init_by_position(self: Any, /, *placed: Any, **given: Any) -> None:
    if placed:
        names = self._record_names
        if len(placed) > len(names):
            raise TypeError(
                f"{type(self).__name__}.__init__() takes {len(names)} arguments but {len(placed)} were given"
            )
        for name, value in zip(names, placed, strict=False):
            if name in given:
                raise TypeError(f"{type(self).__name__}.__init__() got multiple values for argument {name!r}")
            given[name] = value
    _init(self, **given)


def _init_with_care(self: Any, given: dict[str, Any]) -> None:
    """Set every field, making the defaults that are made anew each time; TypeError names what is wrong."""
    names = self._record_names
    made = {name: make() for name, make in self._record_factories.items() if name not in given}
    values = {**self._record_values, **made, **given}
    missing = [name for name in names if name not in values]
    if missing:
        listed = ", ".join(map(repr, missing))
        raise TypeError(
            f"{type(self).__name__}.__init__() missing {len(missing)} required keyword-only arguments: "
            f"{listed}"
        )
    for name in given:
        if name not in names:
            raise TypeError(f"{type(self).__name__}.__init__() got an unexpected keyword argument {name!r}")
    for name in names:
        _set(self, name, values[name])


def _repr(self: Any) -> str:
    shown = [name for name, field in self.__dataclass_fields__.items() if field.repr]
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def _key(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, name) for name in self._record_compared])


def _eq(self: Any, other: object) -> Any:
    return _key(self) == _key(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_key(self))


def _refuse_to_set(_: Any, name: str, __: object) -> None:
    import dataclasses

    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_: Any, name: str) -> None:
    import dataclasses

    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in self._record_names]


def _restore(self: Any, state: list[Any]) -> None:
    for name, value in zip(self._record_names, state, strict=True):
        _set(self, name, value)


_CHANGING = {
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": None,
    "__getstate__": _state,
    "__setstate__": _restore,
}
_FROZEN = {
    **_CHANGING,
    "__hash__": _hash,
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
}
