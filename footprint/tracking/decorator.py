"""A run as a decorator: each call of the function is a run of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def decorated(function: Function, run: Callable[[], AbstractContextManager[Any]]) -> Function:
    """The function with a new ``run()`` around each call; of a coroutine, around its whole life."""
    from inspect import iscoroutinefunction

    if iscoroutinefunction(function):

        @functools.wraps(function)
        async def tracked_async(*args: Any, **kwargs: Any) -> Any:
            with run():
                return await function(*args, **kwargs)

        return tracked_async  # type: ignore[return-value]

    @functools.wraps(function)
    def tracked(*args: Any, **kwargs: Any) -> Any:
        with run():
            return function(*args, **kwargs)

    return tracked  # type: ignore[return-value]
