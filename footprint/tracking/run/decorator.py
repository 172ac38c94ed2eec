"""A run as a decorator: each call of the function is a run of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, aclosing
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def decorated(function: Function, run: Callable[[], AbstractContextManager[Any]]) -> Function:
    """The function with a new ``run()`` around each call; of a coroutine, around its whole life.

    A generator's run spans the iteration, from its first item to its end or its ``close()``.
    """
    from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction

    if iscoroutinefunction(function):

        @functools.wraps(function)
        async def tracked_async(*args: Any, **kwargs: Any) -> Any:
            with run():
                return await function(*args, **kwargs)

        return tracked_async  # type: ignore[return-value]

    if isgeneratorfunction(function):

        @functools.wraps(function)
        def tracked_generator(*args: Any, **kwargs: Any) -> Any:
            with run():
                try:
                    return (yield from function(*args, **kwargs))
                except GeneratorExit:  # whoever iterates may leave off: no failure
                    return None

        return tracked_generator  # type: ignore[return-value]

    if isasyncgenfunction(function):
        return _decorated_async_generator(function, run)

    @functools.wraps(function)
    def tracked(*args: Any, **kwargs: Any) -> Any:
        with run():
            return function(*args, **kwargs)

    return tracked  # type: ignore[return-value]


def _decorated_async_generator(
    function: Function, run: Callable[[], AbstractContextManager[Any]]
) -> Function:
    """There is no ``yield from`` for these: what is sent or thrown in is handed on by hand."""

    @functools.wraps(function)
    async def tracked(*args: Any, **kwargs: Any) -> Any:
        with run():
            async with aclosing(function(*args, **kwargs)) as inner:
                ahead = inner.asend(None)
                while True:
                    try:
                        item = await ahead
                    except StopAsyncIteration:
                        return
                    try:
                        sent = yield item
                    except GeneratorExit:
                        return
                    except BaseException as error:  # noqa: BLE001 - the generator's to handle
                        ahead = inner.athrow(error)
                    else:
                        ahead = inner.asend(sent)

    return tracked  # type: ignore[return-value]
