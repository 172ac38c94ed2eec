"""`models`, `hardware`, `regions`, `prices`, `check`, `validate`."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.run import footprint

KINDS = {"models": "bert-base", "hardware": "v100", "regions": "FRA", "prices": "v100"}


@pytest.mark.parametrize("kind", KINDS)
def test_list_and_show(kind: str) -> None:
    listing = footprint(kind, "list")
    assert listing.code == 0
    assert max(map(len, listing.out.splitlines())) <= 80
    record = json.loads(footprint(kind, "list", "--format", "json").out)
    assert record["schema"] == "footprint/catalogue/1"
    heading = len(listing.out.splitlines()) - len(record["rows"])
    assert 1 <= heading <= 5
    shown = footprint(kind, "show", KINDS[kind])
    assert shown.code == 0
    (row,) = json.loads(footprint(kind, "show", KINDS[kind], "--format", "json").out)["rows"]
    assert row


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_names_are_exit_2(kind: str) -> None:
    done = footprint(kind, "show", "nosuchthing-xyz")
    assert done.code == 2
    assert "unknown" in done.err


@pytest.mark.parametrize(
    ("words", "near"),
    [
        ("hardware list --kind nonsense", "cpu, gpu, npu, tpu"),
        ("hardware list --kind gpus", "did you mean gpu"),
        ("hardware list --vendor nvidea", "did you mean NVIDIA"),
        ("hardware list --precision fp7", "did you mean fp"),
        ("hardware search h100 --kind tpuu", "did you mean tpu"),
        ("models list --family lamma", "llama"),
        ("prices list --purchase spott", "did you mean spot"),
        ("regions list --basis lifecyle", "did you mean lifecycle"),
        ("stacks list --kernels tunde", "did you mean tuned"),
    ],
)
def test_a_list_of_an_unknown_name_is_exit_2(words: str, near: str) -> None:
    done = footprint(*words.split())
    assert (done.code, done.out) == (2, "")
    assert "unknown" in done.err
    assert near in done.err


def test_names_that_no_record_has_together_are_no_error() -> None:
    done = footprint("hardware", "list", "--kind", "tpu", "--vendor", "nvidia")
    assert (done.code, done.out) == (0, "")
    assert "no hardware found" in done.err


def test_search_finds_what_holds_the_text() -> None:
    rows = json.loads(footprint("hardware", "search", "v100", "--format", "json").out)["rows"]
    assert "v100-sxm2-16gb" in [row["id"] for row in rows]
    assert all("v100" in json.dumps(row).lower() for row in rows)


def test_show_prints_published_numbers() -> None:
    (row,) = json.loads(footprint("hardware", "show", "v100", "--format", "json").out)["rows"]
    assert row["tdp_w"] == 300  # NVIDIA Tesla V100 data sheet, SXM2
    assert row["peak_flop_per_s"]["fp16"] == 125e12
    assert "bf16" not in row["peak_flop_per_s"]


def test_unknown_command_names_the_nearest() -> None:
    done = footprint("estimat")
    assert done.code == 2
    assert "estimate" in done.err


def test_user_folder_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from footprint.catalog.files import hardware_folder

    folder = tmp_path / "hardware_profiles"
    folder.mkdir()
    text = (hardware_folder() / "v100-sxm2-16gb.toml").read_text()
    lines = [
        line for line in text.splitlines() if not line.startswith(("aliases", "nvml_names", "torch_names"))
    ]
    mine = "\n".join(lines).replace('id = "v100-sxm2-16gb"', 'id = "my-chip"')
    (folder / "my-chip.toml").write_text(mine)
    monkeypatch.setenv("FOOTPRINT_DATA", str(tmp_path))
    done = footprint(
        "estimate", "--model", "bert-base", "--hw", "my-chip:8", "--format", "json", "--hours", "100"
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)["cluster"]["accelerator"] == "my-chip"


# Strubell et al. 2019, Table 3, as printed: kWh, lb CO2e, USD low, USD high.
TABLE_3 = {
    "transformer-base": (27, 26, 41, 140), "transformer-big": (201, 192, 289, 981),
    "elmo": (275, 262, 433, 1472), "bert-base-gpu": (1507, 1438, 3751, 12571),
    "bert-base-tpu": (None, None, 2074, 6912),
    "nas-gpu": (656347, 626155, 942973, 3201722), "nas-tpu": (None, None, 44055, 146848),
    "gpt2": (None, None, 12902, 43008),
}  # fmt: skip


def test_strubell_cell_by_cell() -> None:
    record = json.loads(footprint("validate", "strubell", "--format", "json").out)
    exact = {row["id"]: row for row in record["rows"] if row["fold"] == "exact hours"}
    cells = 0
    for name, printed in TABLE_3.items():
        for cell, value in zip(("energy_kwh", "co2e_lb", "low_usd", "high_usd"), printed, strict=True):
            if value is None:
                assert f"{name}/{cell}" not in exact
                continue
            row = exact[f"{name}/{cell}"]
            assert row["published"] == value
            assert abs(row["predicted"] - value) <= 0.5, f"{name}/{cell} does not round to the printed digit"
            cells += 1
    assert cells == 26


def test_the_two_rows_whose_hours_are_off_are_explained() -> None:
    record = json.loads(footprint("validate", "strubell", "--format", "json").out)
    off = {
        row["id"].split("/")[0]
        for row in record["rows"]
        if row["fold"] == "printed hours" and abs(row["predicted"] - row["published"]) > 0.5
    }
    assert off == {"bert-base-gpu", "nas-tpu"}
    assert all(any(name in note for note in record["notes"]) for name in off)


def test_validate_gate() -> None:
    assert footprint("validate", "strubell", "--fail-under", "1.0").code == 0
    assert footprint("validate", "stubell").code == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("estimate", "--model", "bert-b"), "bert-base"),
        (("estimate", "--hw", "v100"), "v100-sxm2-16gb"),
        (("estimate", "--region", "FR"), "FRA"),
        (("hardware", "show", "h100"), "h100-sxm5-80gb"),
        (("esti",), "estimate"),
    ],
)
def test_the_shell_completes_names(
    words: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_FOOTPRINT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(("footprint", *words)))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    assert f"plain,{expected}" in footprint().out.split()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--model", "bert-base", "--tgt-seq-len", "128"), "--tgt-seq-len"),
        (("--model", "bert-base", "--image-size", "224"), "--image-size"),
        (("--model", "bert-base", "--ep", "8"), "--ep"),
        (("--model", "bert-base", "--micro-batch", "1024"), "--micro-batch"),
        (("--model", "bert-base", "--optimizer", "frobnicate"), "--optimizer"),
        (("--model", "bert-base", "--region", "aws:us-east-1", "--provider", "gcp"), "aws"),
        (("--model", "bert-base", "--region", "BOGUS", "--grid-g-per-kwh", "50"), "BOGUS"),
        (("--model", "bert-base", "--fail-over-bound", "high"), "--fail-over"),
        (("--model", "bert-base", "--it-power-w", "25"), "--it-power-w"),
        (("--model", "bert-base", "--format", "json", "-o", "x.csv"), ".csv"),
    ],
)
def test_what_does_not_apply_is_refused(args: tuple[str, ...], says: str) -> None:
    done = footprint("estimate", "--hw", "v100:8", *args)
    assert done.code == 2
    assert says in done.err


def test_a_given_intensity_keeps_the_site() -> None:
    def answer(*more: str) -> dict[str, dict[str, float]]:
        done = footprint("estimate", "--model", "bert-base", "--hw", "v100:8", "--region", "gcp:us-central1",
                         "--format", "json", "--quiet", *more)  # fmt: skip
        record: dict[str, dict[str, float]] = json.loads(done.out)
        return record

    plain, own = answer(), answer("--grid-g-per-kwh", "100")
    assert own["pue"] == plain["pue"]
    assert own["energy_kwh"] == plain["energy_kwh"]
    assert own["co2e_kg"]["mid"] == pytest.approx(own["energy_kwh"]["mid"] * 0.1)


def test_every_limit_holds() -> None:
    main = ("estimate", "--model", "bert-base", "--hw", "v100:8", "--hours", "20", "--quiet")
    assert footprint(*main, "--fail-over", "1 kWh", "--fail-over", "1 TCO2e").code in (2, 3)
    assert footprint(*main, "--fail-over", "1 kWh", "--fail-over", "$1M").code == 3
    assert footprint(*main, "--fail-over", "$1M", "--fail-over", "1 MWh").code == 0


def test_every_exceeded_limit_is_named() -> None:
    done = footprint("estimate", "--model", "bert-base", "--hw", "v100:8", "--hours", "20", "--quiet",
                     "--fail-over", "1 kWh", "--fail-over", "$1M", "--fail-over", "90 min")  # fmt: skip
    assert done.code == 3
    assert "facility energy" in done.err
    assert "duration" in done.err
    assert "cost" not in done.err


def test_a_gate_of_not_a_number_is_refused() -> None:
    assert footprint("validate", "strubell", "--fail-under", "nan").code == 2


def test_a_given_throughput_that_was_predicted_changes_no_energy() -> None:
    def energy(*more: str) -> dict[str, float]:
        done = footprint(
            "estimate", "--model", "bert-base", "--hw", "v100:8", "--format", "json", "--quiet", *more
        )
        record: dict[str, dict[str, float]] = json.loads(done.out)
        return {"energy": record["energy_kwh"]["mid"], "step": record["step_time_s"]["mid"]}

    plain = energy()
    again = energy("--step-time-s", repr(plain["step"]))
    assert again["energy"] == pytest.approx(plain["energy"], rel=1e-6)


def test_explain_shows_what_embodied_co2e_is_made_of() -> None:
    """(accelerator + share of the server) x hours / (lifetime x 8766 h x utilisation), by hand."""
    done = footprint("estimate", "--model", "bert-base", "--hw", "v100:8", "--hours", "1000", "--explain",
                     "--lifetime-years", "4", "--utilisation", "50%", "--quiet")  # fmt: skip
    text = " ".join(done.out.split())
    shown = re.search(
        r"\(([\d.]+) kg \+ ([\d.]+) kg\) x ([\d,]+) accelerator-h / ([\d,]+) h = ([\d.]+) kg", text
    )
    assert shown is not None
    chip, server, hours, working, embodied = (float(number.replace(",", "")) for number in shown.groups())
    assert hours == 8000
    assert working == pytest.approx(4 * 8766 * 0.5, rel=1e-3)
    assert embodied == pytest.approx((chip + server) * hours / working, rel=5e-3)


def test_lifetime_and_utilisation_reach_the_embodied_share() -> None:
    def embodied(*more: str) -> float:
        done = footprint(
            "estimate", "--model", "bert-base", "--hw", "v100:8", "--format", "json", "--quiet", *more
        )
        record: dict[str, dict[str, float]] = json.loads(done.out)
        return record["embodied_co2e_kg"]["mid"]

    whole = embodied("--lifetime-years", "3", "--utilisation", "0.9")
    assert embodied("--lifetime-years", "6", "--utilisation", "0.9") == pytest.approx(whole / 2)


@pytest.mark.parametrize("kind", ["hardware", "models"])
def test_a_broken_file_of_the_users_is_named_and_left_out(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = footprint(kind, "list")
    folder = tmp_path / ("hardware_profiles" if kind == "hardware" else kind)
    folder.mkdir()
    (folder / "mine.toml").write_text("id = [")
    monkeypatch.setenv("FOOTPRINT_DATA", str(tmp_path))
    listing = footprint(kind, "list")
    assert (listing.code, listing.out) == (0, without.out)
    assert str(folder / "mine.toml") in listing.err
    shown = footprint(kind, "show", "mine")
    assert shown.code == 2
    assert "not valid TOML" in shown.err  # asked for by name, what is wrong with it
