"""The cluster grammar, node forms and their shares."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from footprint.catalog.files import hardware_folder
from footprint.catalog.hardware import accelerator_ids, find_accelerator, known_names, parse_cluster
from footprint.catalog.hardware.cluster import MAX_COUNT
from footprint.catalog.hardware.find import load_shipped
from footprint.errors import DataFileError, FootprintError, UnknownNameError


@pytest.mark.parametrize(
    ("text", "chip_id", "count"),
    [
        ("v100", "v100-sxm2-16gb", 1),
        ("v100:8", "v100-sxm2-16gb", 8),
        ("v100x8", "v100-sxm2-16gb", 8),
        ("V100X8", "v100-sxm2-16gb", 8),
        ("8xv100", "v100-sxm2-16gb", 8),
        ("8 x V100", "v100-sxm2-16gb", 8),
        ("8 \N{MULTIPLICATION SIGN} V100", "v100-sxm2-16gb", 8),
        (" v100 : 8 ", "v100-sxm2-16gb", 8),
        ("v100:008", "v100-sxm2-16gb", 8),
        ("Tesla V100-SXM2-32GB:4", "v100-sxm2-32gb", 4),
        ("h100:10000000", "h100-sxm5-80gb", 10_000_000),
        ("h100-nvlx8", "h100-nvl-94gb", 8),  # the longest name wins over h100
        ("a10gx8", "a10g", 8),
        ("v100sx4", "v100s-pcie-32gb", 4),
        ("rtx4090x4", "rtx4090", 4),  # an x inside the name is not the sign
        ("4090x8", "rtx4090", 8),
        ("8x4090", "rtx4090", 8),
        ("4090x4090", "rtx4090", 4090),  # both readings are the same
        ("mi300x", "mi300x", 1),
        ("mi300x:8", "mi300x", 8),
        ("mi300xx8", "mi300x", 8),
        ("8xmi300x", "mi300x", 8),
        ("tpu7xx4", "tpu-v7x", 4),
        ("tpu-v3x32", "tpu-v3", 32),
        ("tpu-v3:32", "tpu-v3", 32),
        ("k80x4", "k80", 4),
    ],
)
def test_a_cluster_is_read(text: str, chip_id: str, count: int) -> None:
    cluster, _ = parse_cluster(text)
    assert (cluster.accelerator.id, cluster.count) == (chip_id, count)


@pytest.mark.parametrize(
    ("text", "chip_id", "chips"),
    [
        # Google's tables: cores for v2 to v4 and v5p (v3-32 has 16 chips), chips for v5e and v6e.
        ("tpu-v2-8", "tpu-v2", 4),
        ("tpu-v3-32", "tpu-v3", 16),
        ("v3-2048", "tpu-v3", 1024),
        ("v4-8", "tpu-v4", 4),
        ("tpu_v5p_128", "tpu-v5p", 64),
        ("v5litepod-16", "tpu-v5e", 16),
        ("tpu-v5e-256", "tpu-v5e", 256),
        ("v6e-8", "tpu-v6e", 8),
        ("tpu7x-128", "tpu-v7x", 64),
    ],
)
def test_a_cloud_type_says_how_many_chips_it_has(text: str, chip_id: str, chips: int) -> None:
    cluster, notices = parse_cluster(text)
    assert (cluster.accelerator.id, cluster.count) == (chip_id, chips)
    assert any(f"{chip_id}:{chips}" in notice for notice in notices)


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("mi300x8", ("mi300x:8",)),
        ("mi355x8", ("mi355x:8",)),
        ("mi250x4", ("mi250:4", "mi250x:4")),
        ("4090x3090", ("rtx4090:3090", "rtx3090:4090")),
        ("v100-8", ("v100-sxm2-16gb:",)),
        ("v100 8", ("v100-sxm2-16gb:",)),
        ("8 v100", ("v100-sxm2-16gb:",)),
        ("8:v100", ("v100-sxm2-16gb:",)),
        ("v100 * 8", ("v100-sxm2-16gb:",)),
        ("v100x-8", ("v100-sxm2-16gb:",)),
        ("v100x8x8", ("v100-sxm2-16gb:",)),
        ("v100x8.5", ("v100-sxm2-16gb:",)),
        ("v100x1e3", ("v100-sxm2-16gb:",)),
        ("v100x\N{ARABIC-INDIC DIGIT EIGHT}", ("v100-sxm2-16gb:",)),
        ("tpu-v3-33", ("tpu-v3:33",)),
    ],
)
def test_what_can_be_misread_is_an_error_that_prints_the_canonical_form(
    text: str, forms: tuple[str, ...]
) -> None:
    with pytest.raises(FootprintError) as caught:
        parse_cluster(text)
    assert not isinstance(caught.value, UnknownNameError)
    for form in forms:
        assert form in str(caught.value)


@pytest.mark.parametrize(
    "count",
    [
        "0",
        "-8",
        "8.0",
        "1e3",
        "nan",
        "inf",
        "",
        " ",
        "ten",
        "10000001",
        "9" * 5000,
        "0x8",
        "1_000",
        "+8",
        "8:8",
    ],
)
def test_counts_are_whole_and_sensible(count: str) -> None:
    with pytest.raises(FootprintError) as caught:
        parse_cluster(f"v100:{count}")
    assert "v100" in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("text", "near"), [("h1000x8", "h100"), ("8xv10", "v100"), ("mi300:8", "mi300x"), ("tpu-v9-8", "tpu")]
)
def test_unknown_names_carry_near_matches(text: str, near: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        parse_cluster(text)
    assert any(name.startswith(near) for name in caught.value.nearest)


@pytest.mark.parametrize(
    "text", ["", "   ", "x", ":", ":8", "8", "x8", "8x", "8:", "v100" * 500, "x" * 900, "\0:8"]
)
def test_nonsense_is_one_clear_error(text: str) -> None:
    with pytest.raises(FootprintError):
        parse_cluster(text)


NAMES = st.sampled_from(sorted(set(known_names())))
COUNTS = st.integers(1, MAX_COUNT)


@given(NAMES, COUNTS)
def test_the_canonical_form_is_always_read(name: str, count: int) -> None:
    cluster, _ = parse_cluster(f"{name}:{count}")
    assert cluster.accelerator == find_accelerator(name)
    assert cluster.count == count


@given(NAMES, COUNTS, st.booleans())
@example("mi300x", 8, True)
@example("4090", 3090, True)
def test_the_x_forms_mean_the_same_or_print_the_canonical_form(
    name: str, count: int, name_first: bool
) -> None:
    text = f"{name}x{count}" if name_first else f"{count}x{name}"
    chip = find_accelerator(name)
    message = ""
    try:
        cluster, _ = parse_cluster(text)
        assert (cluster.accelerator, cluster.count) == (chip, count)
    except FootprintError as error:
        message = str(error)
    assert not message or f"{chip.id}:{count}" in message


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            ["x", "X", ":", "-", " ", ".toml", "v100", "tpu-v3", "mi300x", "4090", "8", "0", "-1", "\0", "~"]
        ),
        st.text(max_size=3),
    ),
    max_size=8,
)


@given(PIECES.map("".join))
def test_any_text_is_a_cluster_or_a_clear_error(text: str) -> None:
    try:
        cluster, notices = parse_cluster(text)
    except FootprintError:
        return
    assert cluster.accelerator.id in accelerator_ids()
    assert 1 <= cluster.count <= MAX_COUNT
    assert cluster.nodes * cluster.node.accelerators == pytest.approx(cluster.count)
    assert all(isinstance(notice, str) and notice for notice in notices)


# ---------------------------------------------------------------------------------- nodes


def test_a_plain_name_says_which_variant_it_is() -> None:
    _, notices = parse_cluster("v100:8")
    assert any("v100-sxm2-16gb" in notice and "v100-pcie-16gb" in notice for notice in notices)
    _, notices = parse_cluster("v100-sxm2-16gb:8")
    assert notices == []


def test_a_plain_name_may_stand_for_another_of_its_variants_and_no_other_chip() -> None:
    cluster, notices = parse_cluster("v100:8", preferred="v100-sxm2-32gb")
    assert cluster.accelerator.id == "v100-sxm2-32gb"
    assert any("taken as v100-sxm2-32gb" in notice and "v100-sxm2-16gb" in notice for notice in notices)
    for text in ("v100-sxm2-16gb:8", "v100-16gb:8", "a100:8"):
        assert parse_cluster(text, preferred="v100-sxm2-32gb") == parse_cluster(text)


def test_a_partial_node_takes_its_share_of_the_host_and_says_so() -> None:
    cluster, notices = parse_cluster("a100-sxm4-80gb:12")
    assert cluster.node.id == "dgx-a100"
    assert cluster.nodes == 1.5
    assert any("share" in notice for notice in notices)
    assert parse_cluster("a100-sxm4-80gb:16")[1] == []


def test_boards_of_two_devices_say_so() -> None:
    _, notices = parse_cluster("k80:8")
    assert any("2 devices" in notice for notice in notices)


@pytest.mark.parametrize(("count", "per_node"), [(1, 1), (2, 4), (4, 4), (8, 8), (20, 8)])
def test_desktop_cards_share_the_smallest_node_that_holds_them(count: int, per_node: int) -> None:
    cluster, _ = parse_cluster(f"rtx4090:{count}")
    assert cluster.node.accelerators == per_node


def test_cooling_picks_the_form() -> None:
    for cooling in ("air", "water", "immersion"):
        cluster, _ = parse_cluster("h100:8", cooling=cooling)
        assert cluster.node.cooling == cooling
        assert cluster.node == next(form for form in cluster.accelerator.nodes if form.cooling == cooling)
    with pytest.raises(FootprintError, match=r"immersion.*known: air"):
        parse_cluster("k80:8", cooling="immersion")


def test_accelerators_per_node_picks_or_scales_a_form() -> None:
    exact, notices = parse_cluster("h100-sxm5-80gb:8", accelerators_per_node=4, cooling="water")
    assert exact.node.id == "hgx-h100-4-water"
    assert notices == []
    scaled, notices = parse_cluster("h100-sxm5-80gb:8", accelerators_per_node=2)
    whole = load_shipped("h100-sxm5-80gb").nodes[0]
    assert scaled.nodes == 4
    for name in ("cpu_w", "ram_w", "other_w", "host_low_w", "host_high_w", "max_w", "network_byte_per_s"):
        assert math.isclose(getattr(scaled.node, name), getattr(whole, name) * 2 / whole.accelerators)
    assert any("scaled" in notice for notice in notices)


@pytest.mark.parametrize("bad", [0, -1, 1025, 2.5, True, "8", math.nan])
def test_accelerators_per_node_must_be_sensible(bad: object) -> None:
    with pytest.raises(FootprintError, match="accelerators per node"):
        parse_cluster("v100:8", accelerators_per_node=bad)  # type: ignore[arg-type]


def test_a_given_network_replaces_the_forms() -> None:
    cluster, _ = parse_cluster("v100:8", network_byte_per_s=1.25e9)
    assert cluster.node.network_byte_per_s == 1.25e9
    for bad in (0.0, -1.0, math.inf, math.nan, 1e15):
        with pytest.raises(FootprintError, match="network"):
            parse_cluster("v100:8", network_byte_per_s=bad)


def test_a_profile_of_ones_own_is_a_cluster(tmp_path: Path) -> None:
    text = (hardware_folder() / "t4.toml").read_text(encoding="utf-8")
    path = tmp_path / "X:8 Mine.toml"
    path.write_text(
        text.replace('id = "t4"', 'id = "mine"').replace("tdp_w = 70.0", "tdp_w = 71.0"), encoding="utf-8"
    )
    for spelled, count in ((f"{path}", 1), (f"{path}:8", 8), (f"{path}x8", 8)):
        cluster, _ = parse_cluster(spelled)
        assert (cluster.accelerator.id, cluster.accelerator.tdp_w, cluster.count) == ("mine", 71.0, count)
    with pytest.raises(DataFileError):
        parse_cluster(f"{tmp_path}/none.toml:8")


def test_a_chip_in_the_users_folder_is_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTPRINT_DATA", str(tmp_path))
    (tmp_path / "hardware_profiles").mkdir()
    text = (hardware_folder() / "t4.toml").read_text(encoding="utf-8")
    mine = text.replace('id = "t4"', 'id = "minex"').replace("Tesla T4", "Mine")
    (tmp_path / "hardware_profiles" / "minex.toml").write_text(mine, encoding="utf-8")
    assert parse_cluster("minex:8")[0].count == 8
    assert parse_cluster("minexx8")[0].accelerator.id == "minex"
    with pytest.raises(FootprintError, match="minex:8"):
        parse_cluster("minex8")


def test_the_x_of_a_name_is_no_times() -> None:
    with pytest.raises(UnknownNameError, match="'rtx9090'"):
        parse_cluster("rtx9090:8")
