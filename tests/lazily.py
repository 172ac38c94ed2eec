"""Packages that take seconds to import: only the test process that uses one imports it."""

from __future__ import annotations

from typing import Any

import pytest


class Lazily:
    """A module that is imported when something of it is first asked for; without it the test is skipped."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):  # asked by those who inspect a test file
            raise AttributeError(attribute)
        return getattr(pytest.importorskip(self._name), attribute)
