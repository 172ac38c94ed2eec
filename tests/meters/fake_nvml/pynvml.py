# ruff: noqa: N801, N802, N818 - the real module's names
"""NVIDIA's management library for two boards that draw exactly 400 W and 100 W.

Stands in for the driver, so that codecarbon's own NVIDIA path runs on machines without one.
The counter advances with the clock, in millijoules, as the real one does.
"""

import os
import time
from types import SimpleNamespace

WATTS = [float(w) for w in os.environ.get("FAKE_NVML_WATTS", "400,100").split(",")]
NAMES = os.environ.get("FAKE_NVML_NAMES", "Tesla V100-SXM2-16GB").split(",")
ZERO_COUNTER = os.environ.get("FAKE_NVML_ZERO") == "1"
NVML_TEMPERATURE_GPU = 0


class NVMLError(Exception):
    """As in the real module."""


class NVMLError_NotSupported(NVMLError):
    """As in the real module."""


def nvmlInit():
    pass


def nvmlShutdown():
    pass


def nvmlDeviceGetCount():
    return len(WATTS)


def nvmlDeviceGetHandleByIndex(index):
    return index


def nvmlDeviceGetUUID(handle):
    return f"GPU-{handle:08x}-0000-0000-0000-000000000000"


def nvmlDeviceGetHandleByUUID(uuid):
    if uuid == "MIG-aaaaaaaa-0000-0000-0000-000000000001":
        return ("mig", 1)
    raise NVMLError("not found")


def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle):
    return handle[1]


def nvmlDeviceGetName(handle):
    return NAMES[handle % len(NAMES)]


def nvmlDeviceGetTotalEnergyConsumption(handle):
    return 0 if ZERO_COUNTER else int(time.monotonic() * WATTS[handle] * 1000)


def nvmlDeviceGetPowerUsage(handle):
    return 0 if ZERO_COUNTER else int(WATTS[handle] * 1000)


def nvmlDeviceGetUtilizationRates(handle):
    return SimpleNamespace(gpu=97 if handle == 0 else 0, memory=0)


def nvmlDeviceGetComputeRunningProcesses(handle):
    return [SimpleNamespace(pid=os.getpid(), usedGpuMemory=0)] if handle == 0 else []


def nvmlDeviceGetGraphicsRunningProcesses(handle):
    return []


def nvmlDeviceGetMemoryInfo(handle):
    return SimpleNamespace(total=16 * 2**30, used=2**30, free=15 * 2**30)


def nvmlDeviceGetTemperature(handle, sensor):
    return 40


def nvmlDeviceGetEnforcedPowerLimit(handle):
    return 300_000


def nvmlDeviceGetComputeMode(handle):
    return 0
