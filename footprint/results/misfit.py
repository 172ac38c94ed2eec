"""How the warning of a step that clearly does not fit begins: what marks an answer that was forced."""

from __future__ import annotations

CLEAR_MISFIT = "clearly too little memory, `force=True` went on: "
"""How the warning begins of a step that needs clearly more memory than there is."""
MISFIT_WORDS = CLEAR_MISFIT.partition(",")[0]
"""How this warning begins on every surface."""
