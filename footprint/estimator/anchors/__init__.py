"""Anchors: measurements of the user's own stack, kept by name, as a file, or written out.

An anchor file is a scenario with a measured time (``step_time_s``, ``tokens_per_second`` or
``samples_per_second``), a measured peak of memory (``memory_gib``), or both. An anchor may also be written
out, ``MODEL HW key=value ...``. What it says of the model is worked out anew each time it is used, so that it
stays true when the model changes.
"""

from footprint.estimator.anchors.applied import anchored
from footprint.estimator.anchors.kept import (
    anchor_names,
    anchor_path,
    keep_anchor,
    keep_anchor_of_run,
    read_anchor,
    remove_anchor,
)
from footprint.estimator.anchors.measured import measured_by
from footprint.estimator.anchors.written import anchors_in, checked_measurement

__all__ = [
    "anchor_names",
    "anchor_path",
    "anchored",
    "anchors_in",
    "checked_measurement",
    "keep_anchor",
    "keep_anchor_of_run",
    "measured_by",
    "read_anchor",
    "remove_anchor",
]
