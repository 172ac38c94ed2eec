"""The profiles against what is not in them: units and clocks, memory buses, links.

Core counts, clocks, buses and data rates below are the makers' (architecture whitepapers and
product pages); peaks and bandwidths must follow from them. Tolerances allow for rounded clocks.
"""

from __future__ import annotations

import pytest

from footprint.catalog.hardware import all_accelerators
from footprint.catalog.hardware.find import load_shipped
from footprint.schema import Accelerator

CHIPS = all_accelerators()
NVIDIA = [chip for chip in CHIPS if chip.vendor == "NVIDIA"]
IDS = {"ids": lambda chip: chip.id}

# Scalar fp32: lanes, boost clock [GHz]; two FLOP a lane and clock.
LANES = {
    "k80": (2 * 2496, 0.875),
    "m40-24gb": (3072, 1.112),
    "titanx-maxwell": (3072, 1.089),
    "p100-sxm2-16gb": (3584, 1.480),
    "p100-pcie-16gb": (3584, 1.303),
    "p40": (3840, 1.531),
    "gtx1080": (2560, 1.733),
    "gtx1080ti": (3584, 1.582),
    "titanx-pascal": (3584, 1.531),
    "quadro-p6000": (3840, 1.645),
    "v100-sxm2-16gb": (5120, 1.530),
    "v100-pcie-16gb": (5120, 1.370),
    "v100s-pcie-32gb": (5120, 1.601),
    "t4": (2560, 1.590),
    "rtx2080ti": (4352, 1.545),
    "quadro-rtx-6000": (4608, 1.770),
    "rtx3060-12gb": (3584, 1.777),
    "rtx3090": (10496, 1.695),
    "rtxa4000": (6144, 1.560),
    "rtxa5000": (8192, 1.695),
    "rtxa6000": (10752, 1.800),
    "a40": (10752, 1.740),
    "a10": (9216, 1.695),
    "a30": (3584, 1.440),
    "a100-sxm4-80gb": (6912, 1.410),
    "l4": (7424, 2.040),
    "l40s": (18176, 2.520),
    "rtx6000ada": (18176, 2.505),
    "rtx4090": (16384, 2.520),
    "h100-sxm5-80gb": (16896, 1.980),
    "apple-m1": (1024, 1.278),
    "apple-m2": (1280, 1.398),
    "apple-m3": (1280, 1.380),
    "h100-pcie-80gb": (14592, 1.755),
    "rtx5090": (21760, 2.407),
    "mi100": (7680, 1.502),
    "mi250x": (2 * 7040, 1.700),
    "mi300x": (304 * 128, 2.100),
}

# Matrix units: units, FLOP a unit and clock, clock [GHz].
MATRIX = {
    ("v100-sxm2-16gb", "fp16"): (640, 128, 1.530),
    ("t4", "fp16"): (320, 128, 1.590),
    ("rtx2080ti", "fp16"): (544, 64, 1.545),
    ("titanrtx", "fp16"): (576, 128, 1.770),
    ("a100-sxm4-40gb", "bf16"): (432, 512, 1.410),
    ("a100-sxm4-40gb", "tf32"): (432, 256, 1.410),
    ("a100-sxm4-40gb", "int8"): (432, 1024, 1.410),
    ("a30", "bf16"): (224, 512, 1.440),
    ("rtx3090", "fp16"): (328, 128, 1.695),
    ("rtxa6000", "bf16"): (336, 256, 1.800),
    ("rtx4090", "bf16"): (512, 128, 2.520),
    ("rtx4090", "fp8"): (512, 256, 2.520),
    ("l4", "bf16"): (232, 256, 2.040),
    ("l40s", "fp8"): (568, 512, 2.520),
    ("h100-sxm5-80gb", "bf16"): (528, 1024, 1.830),
    ("h100-sxm5-80gb", "fp8"): (528, 2048, 1.830),
    ("h100-pcie-80gb", "bf16"): (456, 1024, 1.620),
    ("mi300x", "bf16"): (1216, 512, 2.100),
    ("mi250x", "bf16"): (880, 256, 1.700),
    ("gaudi2", "bf16"): (2, 2 * 256 * 256, 1.650),
    ("gaudi3", "bf16"): (8, 2 * 256 * 256, 1.600),
    ("tpu-v2", "bf16"): (2 * 1, 2 * 128 * 128, 0.700),
    ("tpu-v3", "bf16"): (2 * 2, 2 * 128 * 128, 0.940),
    ("tpu-v4", "bf16"): (2 * 4, 2 * 128 * 128, 1.050),
    ("tpu-v5e", "bf16"): (1 * 4, 2 * 128 * 128, 1.500),
    ("tpu-v5p", "bf16"): (2 * 4, 2 * 128 * 128, 1.750),
}

# Memory: bus [bit], data rate [Gbit/s a pin].
BUS = {
    "k80": (2 * 384, 5.0),
    "m60": (2 * 256, 5.0),
    "p40": (384, 7.2),
    "p100-sxm2-16gb": (4096, 1.43),
    "v100-sxm2-32gb": (4096, 1.755),
    "v100s-pcie-32gb": (4096, 2.214),
    "t4": (256, 10.0),
    "gtx1080ti": (352, 11.0),
    "rtx2080ti": (352, 14.0),
    "rtx3090": (384, 19.5),
    "rtx4090": (384, 21.0),
    "rtx5090": (512, 28.0),
    "rtxa6000": (384, 16.0),
    "a10": (384, 12.5),
    "a30": (3072, 2.43),
    "a100-sxm4-40gb": (5120, 2.43),
    "a100-sxm4-80gb": (5120, 3.186),
    "l4": (192, 12.5),
    "h100-sxm5-80gb": (5120, 5.23),
    "apple-m1": (128, 4.266),
    "h200-sxm-141gb": (6144, 6.25),
    "mi100": (4096, 2.4),
    "mi210": (4096, 3.2),
    "mi250x": (8192, 3.2),
    "mi300x": (8192, 5.2),
    "mi325x": (8192, 5.86),
    "epyc-7742": (8 * 64, 3.2),
    "xeon-platinum-8480plus": (8 * 64, 4.8),
}


@pytest.mark.parametrize("chip_id", sorted(LANES))
def test_scalar_peak_follows_from_lanes_and_clock(chip_id: str) -> None:
    lanes, clock = LANES[chip_id]
    expected = 2 * lanes * clock * 1e9
    assert load_shipped(chip_id).peak_flop_per_s["fp32"] == pytest.approx(expected, rel=0.015)


@pytest.mark.parametrize(("chip_id", "precision"), sorted(MATRIX))
def test_matrix_peak_follows_from_units_and_clock(chip_id: str, precision: str) -> None:
    units, flop, clock = MATRIX[chip_id, precision]
    assert load_shipped(chip_id).peak_flop_per_s[precision] == pytest.approx(
        units * flop * clock * 1e9, rel=0.012
    )


@pytest.mark.parametrize("chip_id", sorted(BUS))
def test_memory_bandwidth_follows_from_bus_and_rate(chip_id: str) -> None:
    bits, rate = BUS[chip_id]
    assert load_shipped(chip_id).memory_byte_per_s == pytest.approx(bits * rate * 1e9 / 8, rel=0.012)


@pytest.mark.parametrize("chip", NVIDIA, **IDS)
def test_nvidia_precisions_by_generation(chip: Accelerator) -> None:
    peaks = set(chip.peak_flop_per_s)
    before_ampere = chip.generation in ("kepler", "maxwell", "pascal", "volta", "turing")
    assert (peaks >= {"bf16", "tf32"}) != before_ampere
    assert ("bf16" in peaks or "tf32" in peaks) != before_ampere
    assert ("fp8" in peaks) == (chip.generation in ("ada", "hopper", "blackwell"))
    assert "fp4" not in peaks or chip.generation == "blackwell"
    # Where fp16 is slower than fp32 (GeForce and Tesla Pascal but P100) or absent, it is left out.
    assert ("fp16" in peaks) == (
        not before_ampere or chip.generation in ("volta", "turing") or "p100" in chip.id
    )


@pytest.mark.parametrize("chip", [c for c in NVIDIA if "bf16" in c.peak_flop_per_s], **IDS)
def test_nvidia_dense_ratios(chip: Accelerator) -> None:
    peak = chip.peak_flop_per_s
    assert peak["fp16"] == peak["bf16"] == pytest.approx(2 * peak["tf32"], rel=0.013)  # L40S: 362, 183, 733
    if "fp8" in peak:
        assert peak["fp8"] == pytest.approx(2 * peak["bf16"], rel=0.013)
    if "fp4" in peak:
        assert peak["fp4"] == pytest.approx((6 if "300" in chip.id else 4) * peak["bf16"], rel=0.01)


def test_mi100_halves_bf16_and_dense_is_not_sparse() -> None:
    peak = load_shipped("mi100").peak_flop_per_s
    assert peak["bf16"] == peak["fp16"] / 2
    # Sparse values of the data sheets, which must not have slipped in.
    for chip_id, precision, sparse in (
        ("a100-sxm4-80gb", "bf16", 624),
        ("h100-sxm5-80gb", "fp8", 3958),
        ("l40s", "bf16", 733),
        ("b200-sxm-180gb", "bf16", 4500),
        ("trainium2", "bf16", 2563),
    ):
        assert load_shipped(chip_id).peak_flop_per_s[precision] < 0.51 * sparse * 1e12


@pytest.mark.parametrize(
    ("chip_id", "unit", "devices"),
    [("k80", "board", 2), ("m60", "board", 2), ("mi250", "module", 2), ("mi250x", "module", 2)],
)
def test_what_is_counted_where_one_unit_is_two_devices(chip_id: str, unit: str, devices: int) -> None:
    chip = load_shipped(chip_id)
    assert (chip.unit, chip.devices_per_unit) == (unit, devices)


def test_links_count_one_direction() -> None:
    # NVLink: links a GPU x 20 (first) or 25 or 50 GB/s each way.
    for chip_id, links, each in (
        ("p100-sxm2-16gb", 4, 20),
        ("v100-sxm2-16gb", 6, 25),
        ("a100-sxm4-80gb", 12, 25),
        ("h100-sxm5-80gb", 18, 25),
        ("b200-sxm-180gb", 18, 50),
        # Between TPUs: Jouppi et al. 2023, table 4; the 3D torus of v4 has 512 links in its bisection,
        # which Google's documentation puts at 24 TB/s for 4,096 chips.
        ("tpu-v3", 4, 70),
        ("tpu-v4", 6, 50),
        # Infinity Fabric: 16 lanes at 23, 25 and 32 Gb/s.
        ("mi100", 3, 46),
        ("mi250x", 8, 50),
        ("mi300x", 7, 64),
    ):
        assert load_shipped(chip_id).link_byte_per_s == links * each * 1e9
    assert pytest.approx(50e9, rel=0.07) == 24e12 / 512
