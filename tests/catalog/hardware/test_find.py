"""Finding accelerators: names, driver names, paths, the user's folder, the index; broken files."""

from __future__ import annotations

import math
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from footprint.catalog import files, folder
from footprint.catalog.build import checked
from footprint.catalog.files import hardware_folder
from footprint.catalog.hardware import accelerator_ids, all_accelerators, find_accelerator
from footprint.catalog.hardware import find as hardware
from footprint.catalog.hardware.find import build_accelerator
from footprint.catalog.prices.offers import about_offers
from footprint.catalog.sources import all_sources
from footprint.errors import DataFileError, FootprintError, UnknownNameError
from footprint.schema import Accelerator

PROFILES = sorted(hardware_folder().glob("*.toml"))

OWN = """
id = "our-chip"
name = "Our chip"
vendor = "Us"
kind = "gpu"
unit = "board"
generation = "ours"
year = 2025
aliases = ["ours"]
nvml_names = ["Our Device 9000"]
tdp_w = 123.0
memory_gib = 32
memory_byte_per_s = 1.0e12

[peak_flop_per_s]
fp16 = 1.0e14

[[nodes]]
id = "box"
name = "box"
accelerators = 2
cpu_w = 50.0
ram_w = 10.0
other_w = 40.0
host_low_w = 60.0
host_high_w = 200.0
"""


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FOOTPRINT_DATA", str(tmp_path))
    folder = tmp_path / "hardware_profiles"
    folder.mkdir()
    return folder


def _numbers(table: object, path: str = "") -> dict[str, float]:
    """Dotted path of every number of a profile; node forms by their id."""
    found: dict[str, float] = {}
    if isinstance(table, dict):
        for key, value in table.items():
            if path or key not in ("cite", "sources"):
                found.update(_numbers(value, f"{path}.{key}" if path else key))
    elif isinstance(table, list):
        for item in table:
            if isinstance(item, dict):
                found.update(_numbers(item, f"{path}.{item['id']}"))
    elif isinstance(table, (int, float)) and not isinstance(table, bool):
        found[path] = table
    return found


# -------------------------------------------------------------------------- shipped files


def test_there_are_at_least_sixty_of_every_kind_that_trains() -> None:
    assert len(PROFILES) >= 60
    assert accelerator_ids() == sorted(path.stem for path in PROFILES)
    assert {chip.kind for chip in all_accelerators()} == {"gpu", "tpu", "npu", "cpu"}


@pytest.mark.slow
@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_pydantic_accepts_every_file_and_builds_what_the_hot_path_builds(path: Path) -> None:
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    built = build_accelerator(raw, path.name)
    assert TypeAdapter(Accelerator).validate_python(raw) == built
    assert checked(Accelerator, raw, path.name) == built
    assert built.id == path.stem


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_number_is_cited_and_every_source_described(path: Path) -> None:
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    cited = raw["cite"]
    for number in _numbers(raw):
        assert any(number == key or number.startswith(f"{key}.") for key in cited), number
    tables = {name for name, value in raw.items() if isinstance(value, dict)} - {"cite", "sources"}
    paths = set(_numbers(raw)) | {f"nodes.{form['id']}" for form in raw["nodes"]} | tables
    assert set(cited) <= paths, "a cite of something that is not there"
    for entry in cited.values():
        for source in entry["source"].split("; "):
            assert source in all_sources(), source


def test_no_two_chips_share_a_name_and_the_index_is_fresh() -> None:
    shipped = hardware_folder()
    names, prices = hardware.NAMES.scan(shipped), {"prices.csv": about_offers()}
    written = (shipped / "index.json").read_text(encoding="utf-8")
    assert written == folder.index_text(shipped, names, prices), "stale: run python -m footprint.catalog"


def test_two_chips_with_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "our-chip.toml").write_text(OWN, encoding="utf-8")
    (tmp_path / "their-chip.toml").write_text(OWN.replace('"our-chip"', '"their-chip"'), encoding="utf-8")
    with pytest.raises(DataFileError, match="'ours' belongs to our-chip already"):
        hardware.NAMES.scan(tmp_path)


def test_every_chip_is_found_by_every_name() -> None:
    for chip in all_accelerators():
        for name in (
            chip.id,
            chip.id.upper().replace("-", "_"),
            *chip.aliases,
            *chip.nvml_names,
            *chip.torch_names,
        ):
            assert find_accelerator(name) == chip, name


# Plain names (design: the commonest training variant), spellings of other tables, and device names as
# NVML and torch print them in public logs.
@pytest.mark.parametrize(
    ("name", "chip_id"),
    [
        ("v100", "v100-sxm2-16gb"),
        ("a100", "a100-sxm4-80gb"),
        ("h100", "h100-sxm5-80gb"),
        ("p100", "p100-pcie-16gb"),
        ("V100-32GB", "v100-sxm2-32gb"),
        ("A100-40GB", "a100-sxm4-40gb"),
        ("H100-SXM-80GB", "h100-sxm5-80gb"),
        ("TPUv3", "tpu-v3"),
        ("rtx-4090", "rtx4090"),
        ("RTX 4090", "rtx4090"),
        ("geforce rtx 4090", "rtx4090"),
        ("Tesla V100", "v100-sxm2-16gb"),
        ("AMD Instinct MI300X", "mi300x"),
        ("ironwood", "tpu-v7x"),
        ("trn2", "trainium2"),
        ("Tesla V100-SXM2-16GB", "v100-sxm2-16gb"),
        ("Tesla V100-SXM3-32GB-H", "v100-sxm3-32gb-450w"),
        ("NVIDIA A100-SXM4-80GB", "a100-sxm4-80gb"),
        ("NVIDIA A100 80GB PCIe", "a100-pcie-80gb"),
        ("NVIDIA H100 80GB HBM3", "h100-sxm5-80gb"),
        ("NVIDIA H100 NVL", "h100-nvl-94gb"),
        ("NVIDIA GH200 480GB", "gh200-96gb"),
        ("NVIDIA GeForce RTX 2080 Ti", "rtx2080ti"),
        ("NVIDIA RTX 6000 Ada Generation", "rtx6000ada"),
        ("Quadro P6000", "quadro-p6000"),
        ("Tesla K80", "k80"),
    ],
)
def test_names_mean_what_people_mean(name: str, chip_id: str) -> None:
    assert find_accelerator(name).id == chip_id


def test_unknown_names_carry_near_matches() -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_accelerator("h100-sxm5-81gb")
    assert "h100-sxm5-80gb" in caught.value.nearest


@given(st.text(max_size=60))
def test_any_text_is_a_chip_or_one_clear_error(text: str) -> None:
    message = ""
    try:
        assert find_accelerator(text).id in accelerator_ids()
    except FootprintError as error:
        message = str(error)
    assert "\n" not in message  # one line, whatever was typed


def test_one_chip_costs_the_index_and_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = files.read_text

    def counted(path: str) -> str:
        read.append(Path(path).name)
        return original(path)

    monkeypatch.setattr(folder, "read_text", counted)
    monkeypatch.setattr(files, "read_text", counted)
    for cached in (hardware._index, hardware.load_shipped, folder._read_once):
        cached.cache_clear()
    assert find_accelerator("v100").tdp_w == 300
    assert read == ["index.json", "v100-sxm2-16gb.toml"]


def test_finding_a_chip_imports_nothing_heavy(root: Path) -> None:
    code = (
        "import sys; from footprint.catalog.hardware import parse_cluster; parse_cluster('v100x8');"
        "print([m for m in ('pydantic', 'rapidfuzz', 'platformdirs', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ----------------------------------------------------------------------- the user's files


def test_the_users_folder_is_found_like_the_built_in_one(own_folder: Path) -> None:
    (own_folder / "our-chip.toml").write_text(OWN, encoding="utf-8")
    for name in ("our-chip", "OURS", "Our Device 9000", str(own_folder / "our-chip.toml")):
        assert find_accelerator(name).tdp_w == 123
    assert "our-chip" in accelerator_ids()
    assert "our-chip" in [chip.id for chip in all_accelerators()]


def test_a_broken_neighbour_hides_no_good_file(own_folder: Path) -> None:
    (own_folder / "our-chip.toml").write_text(OWN, encoding="utf-8")
    (own_folder / "broken.toml").write_bytes(b"\xff\xfe\x00")
    assert find_accelerator("ours").id == "our-chip"


def test_a_new_shipped_file_works_before_the_index_knows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "our-chip.toml").write_text(OWN, encoding="utf-8")
    monkeypatch.setattr(hardware, "hardware_folder", lambda: tmp_path)
    monkeypatch.setattr(hardware, "_index", dict)
    assert find_accelerator("ours").memory_gib == 32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('kind = "gpu"', 'kind = "toaster"'), "kind"),
        (("tdp_w = 123.0", 'tdp_w = "123"'), "tdp_w"),
        (("tdp_w = 123.0", "tdp_w = nan"), "tdp_w"),
        (("tdp_w = 123.0", "tdp_w = -5.0"), "tdp_w"),
        (("tdp_w = 123.0", "tdp_w = true"), "tdp_w"),
        (("tdp_w = 123.0", "tpd_w = 123.0"), "tpd_w"),
        (("fp16 = 1.0e14", "fp16 = inf"), "fp16"),
        (("fp16 = 1.0e14", ""), "no precision"),
        (("memory_gib = 32\n", ""), "memory_gib"),
        (("accelerators = 2", "accelerators = 0"), "accelerators"),
        (("host_low_w = 60.0", "host_low_w = 300.0"), "host_low_w"),
        (("[[nodes]]", "[nodes]"), "nodes"),
        (("year = 2025", "year = 2025-01-01"), "year"),
    ],
)
def test_a_strangers_mistake_is_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in OWN
    path = tmp_path / "our-chip.toml"
    path.write_text(OWN.replace(*change), encoding="utf-8")
    with pytest.raises(DataFileError, match=message) as caught:
        find_accelerator(str(path))
    assert "our-chip.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01\x02", b"= = =", b"id = 5", b"a = " + b"[" * 5000, b"\xff" * 100, b"nodes = 3"]
)
def test_rubbish_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rubbish.toml"
    path.write_bytes(content)
    with pytest.raises(DataFileError, match=r"rubbish\.toml"):
        find_accelerator(str(path))


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    for name in (tmp_path / "none.toml", tmp_path / "folder.toml", "\0.toml", "x" * 5000 + ".toml"):
        with pytest.raises(DataFileError):
            find_accelerator(str(name))


def test_a_file_must_be_named_after_its_id(own_folder: Path) -> None:
    (own_folder / "other.toml").write_text(OWN, encoding="utf-8")
    with pytest.raises(DataFileError, match=r"our-chip\.toml"):
        all_accelerators()


def test_trusted_tables_of_a_bad_shape_are_an_error_too() -> None:
    raw = tomllib.loads(OWN)
    assert math.isclose(build_accelerator(raw, "own").nodes[0].host_w, 100.0)
    for bad in ({**raw, "nodes": [{"id": "x"}]}, {**raw, "surprise": 1}, {**raw, "cite": {"tdp_w": 3}}, {}):
        with pytest.raises(DataFileError, match="own"):
            build_accelerator(bad, "own")
