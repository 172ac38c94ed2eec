"""Numbers for people, from `footprint.results.human`, below the tracker, which speaks to people too."""

from __future__ import annotations

from footprint.results.human import amount, figures, folded, interval, wrapped

__all__ = ["amount", "figures", "folded", "interval", "wrapped"]
