"""Numbers for people; implemented in `footprint.results.human`, because the tracker uses it too."""

from __future__ import annotations

from footprint.results.human import amount, counted, figures, folded, interval, wrapped

__all__ = ["amount", "counted", "figures", "folded", "interval", "wrapped"]
