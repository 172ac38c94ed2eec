"""Whether the accelerators that a run names are on this machine, by the signs that their drivers leave."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from footprint.errors import FootprintError
from footprint.meters.devices import HIDES_ALL, visible_devices

_SIGNS: Mapping[str, tuple[str, ...]] = {
    "NVIDIA": ("dev/nvidia0", "dev/nvidiactl", "dev/dxg"),
    "AMD": ("dev/kfd", "dev/dxg"),
    "Google": ("dev/accel0", "dev/vfio/0"),
    "AWS": ("dev/neuron0",),
    "Intel": ("dev/accel/accel0", "dev/hl0", "dev/dri/renderD128"),
    "Huawei": ("dev/davinci0", "dev/davinci_manager"),
}
"""Device files of Linux by vendor; ``dxg`` is the one of the Windows Subsystem for Linux."""
_REMOTE = {"Google": ("TPU_NAME", "TPU_WORKER_ID", "COLAB_TPU_ADDR")}
"""Variables of hosts whose accelerators are reached in another way."""


def is_here(hw: str, root: str = "/") -> bool | None:
    """Whether accelerators of this vendor are on the machine; None where that cannot be told.

    Processors are always here. On systems other than Linux only NVIDIA's and Apple's chips can be told.
    """
    from footprint.catalog.hardware import parse_cluster

    try:
        chip = parse_cluster(hw)[0].accelerator
    except FootprintError:
        return None
    if chip.kind == "cpu":
        return True
    if chip.vendor == "Apple":
        return sys.platform == "darwin"
    hidden = chip.vendor == "NVIDIA" and _all_hidden()
    if not hidden and (
        _torch_has_boards(chip.vendor) or any(map(os.environ.get, _REMOTE.get(chip.vendor, ())))
    ):
        return True
    if chip.vendor == "NVIDIA" and visible_devices().devices:
        return True
    signs = _SIGNS.get(chip.vendor)
    if signs is None or not (sys.platform.startswith("linux") or chip.vendor == "NVIDIA"):
        return None
    return not hidden and any((Path(root) / sign).exists() for sign in signs)


def _all_hidden() -> bool:
    """Whether ``CUDA_VISIBLE_DEVICES`` hides every board from this process."""
    return os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip().lower() in HIDES_ALL


def _torch_has_boards(vendor: str) -> bool:
    """Whether torch, if it is loaded already, sees boards of the vendor (ROCm builds answer as CUDA)."""
    torch = sys.modules.get("torch")
    if torch is None or vendor not in ("NVIDIA", "AMD"):
        return False
    try:
        is_rocm = getattr(torch.version, "hip", None) is not None
        return bool(torch.cuda.is_available()) and is_rocm == (vendor == "AMD")
    except Exception:  # noqa: BLE001 - a broken driver must not stop a training run
        return False
