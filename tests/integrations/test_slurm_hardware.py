"""Which hardware profile a job's GPUs are, and how many of what it counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integrations.slurm_calls import PLACE, one_job, records, slurm


def test_hw_supplies_a_type(tmp_path: Path) -> None:
    file = one_job(tmp_path, "cpu=8,gres/gpu=2,node=1")
    assert slurm(file).code == 2
    (record,) = records(file, "--hw", "a100")
    assert record["cluster"]["accelerator"] == "a100-sxm4-80gb"
    assert record["accelerator_h"]["mid"] == 20.0


def test_hw_overrules_a_type_and_says_so(tmp_path: Path) -> None:
    file = one_job(tmp_path, "gres/gpu:v100=2,gres/gpu=2")
    done = slurm(file, "--hw", "v100-sxm2-32gb", *PLACE)
    assert "--hw v100-sxm2-32gb takes the place of v100" in done.err
    assert "v100-sxm2-32gb" in done.out


def test_hw_by_type_leaves_the_others(tmp_path: Path) -> None:
    file = one_job(tmp_path, "gres/gpu:volta=2,gres/gpu:a100=1,gres/gpu=3")
    done = slurm(file, *PLACE)
    assert done.code == 2
    assert "--hw volta=CHIP" in done.err
    found = records(file, "--hw", "volta=v100-sxm2-32gb")
    assert [(r["cluster"]["accelerator"], r["cluster"]["count"]) for r in found] == [
        ("v100-sxm2-32gb", 2),
        ("a100-sxm4-80gb", 1),
    ]


@pytest.mark.parametrize(
    ("kind", "chip"),
    [
        ("tesla_v100-sxm2-16gb", "v100-sxm2-16gb"),
        ("nvidia_a100-sxm4-80gb", "a100-sxm4-80gb"),
        ("nvidia_h100_80gb_hbm3", "h100-sxm5-80gb"),
        ("geforce_rtx_2080_ti", "rtx2080ti"),
        ("quadro_rtx_8000", "quadro-rtx-8000"),
        ("l40s", "l40s"),
    ],
)
def test_names_that_slurm_finds_by_itself(kind: str, chip: str, tmp_path: Path) -> None:
    """With AutoDetect=nvml the type is the driver's name of the device, in lower case."""
    (record,) = records(one_job(tmp_path, f"gres/gpu:{kind}=4,gres/gpu=4"))
    assert record["cluster"]["accelerator"] == chip
    assert record["cluster"]["count"] == 4


def test_processors_are_named_with_their_sockets(tmp_path: Path) -> None:
    file = one_job(tmp_path, "billing=256,cpu=256,mem=500G,node=2", nodes=2)
    assert "sockets each node gave it" in slurm(file).err
    (record,) = records(file, "--hw", "epyc-7742:2")
    assert (record["cluster"]["count"], record["cluster"]["nodes"]) == (4, 2)
    assert record["accelerator_h"]["mid"] == 4 * 10.0


def test_devices_that_are_half_a_module(tmp_path: Path) -> None:
    """MI250X: eight devices for Slurm (graphics dies) are four modules."""
    file = one_job(tmp_path, "gres/gpu:mi250x=8,gres/gpu=8")
    (record,) = records(file)
    assert (record["cluster"]["unit"], record["cluster"]["count"]) == ("module", 4)
    assert "8 devices are 4 modules" in slurm(file).err


@pytest.mark.parametrize(
    "tres",
    [
        "gres/gpu:a100_3g.20gb=1,gres/gpu=1",
        "gres/gpu:1g.10gb=2,gres/gpu=2",
        "gres/shard=4",
        "gres/gpu:nvidia_a100_1g.5gb=1",
    ],
)
def test_parts_of_boards_are_not_boards(tres: str, tmp_path: Path) -> None:
    done = slurm(one_job(tmp_path, tres), "--hw", "a100:8")
    assert done.code == 2
    assert "parts of GPUs" in done.err


@pytest.mark.parametrize(
    "tres",
    [
        "gres/gpu:v100=4,gres/gpu=4",
        "gres/gpu=4,gres/gpu:v100=4",
        "gres/gpu:v100=4",
        "gres/gpumem=64G,gres/gpuutil=380,gres/gpu:v100=4,gres/gpu=4",
    ],
)
def test_typed_and_untyped_entries_are_the_same_gpus(tres: str, tmp_path: Path) -> None:
    (record,) = records(one_job(tmp_path, tres))
    assert record["cluster"]["count"] == 4


def test_two_names_of_one_chip_are_added(tmp_path: Path) -> None:
    (record,) = records(one_job(tmp_path, "gres/gpu:v100=2,gres/gpu:tesla_v100-sxm2-16gb=1,gres/gpu=3"))
    assert record["cluster"]["count"] == 3


def test_a_type_is_never_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name in the accounting must not make us read what it points to; --hw may."""
    from footprint.catalog.files import hardware_folder

    monkeypatch.chdir(tmp_path)
    text = (hardware_folder() / "v100-sxm2-16gb.toml").read_text()
    Path("mine.toml").write_text(text.replace('id = "v100-sxm2-16gb"', 'id = "mine"'))
    file = one_job(tmp_path, "gres/gpu:mine.toml=2,gres/gpu=2")
    done = slurm(file)
    assert done.code == 2
    assert "no hardware profile is named 'mine.toml'" in done.err
    (record,) = records(file, "--hw", "mine.toml")
    assert record["cluster"]["accelerator"] == "mine"
