"""A run that keeps what the hooks tell it."""

from __future__ import annotations

from typing import Any


class Counted:
    """Stands for the run, and keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []
        self.lines: list[Any] = []
        self.program: Any = None

    def step(self, tokens: int = 0, samples: int = 0) -> None:
        self.steps.append((samples, tokens))

    def note_unseen(self, *lines: Any) -> None:
        self.lines += lines

    def end_unseen(self) -> None:
        pass

    @property
    def samples(self) -> int:
        return sum(samples for samples, _ in self.steps)

    @property
    def faults(self) -> list[str]:
        return [line.what for line in self.lines if hasattr(line, "what")]
