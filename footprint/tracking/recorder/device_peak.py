"""The peak of the memory that the tensors of this process took on an accelerator."""

from __future__ import annotations

import sys
from typing import Any


class DevicePeak:
    """The largest peak that was seen, as a program may reset torch's own."""

    def __init__(self) -> None:
        self._byte = 0

    def byte(self) -> int | None:
        """The peak of the fullest device [byte]; None where torch holds nothing on any.

        It asks torch only if the program has loaded it and uses a device, and never waits for the device.
        """
        try:
            self._byte = max(self._byte, _peak_byte(sys.modules.get("torch")))
        except Exception:  # noqa: BLE001 - another version of torch must not cost a run its totals
            return self._byte or None
        return self._byte or None


def _peak_byte(torch: Any) -> int:
    """The peak since torch last began to count [byte]; 0 where it uses no device."""
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return 0
    return max((int(cuda.max_memory_allocated(n)) for n in range(cuda.device_count())), default=0)
