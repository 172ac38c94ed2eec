"""Projects: files that list runs of every kind, and what all of them together cost."""

from footprint.projects.answer import project

__all__ = ["project"]
