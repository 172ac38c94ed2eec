"""A model card: the Hub's own reader finds the grams, and no other byte of the card changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from footprint.errors import DataFileError
from footprint.reports.exports import as_filed
from footprint.reports.texts.hub_card import BEGIN, END, with_footprint
from tests.cli.run import footprint as command
from tests.reports.exports.records import HIDDEN, estimated, nasty

MATTER = (
    "# about us\nlicense: mit   # as it is\ntags:\n- a\n-   'b'\n\nlanguage: \"en\"\n"
    "co2_eq_emissions:\n    emissions: 17\n    source: x\n# a comment of what follows\nwidget:\n  - text: |\n"
    "      co2_eq_emissions: no key\n"
)
BODY = "\n# My model\n\ntrailing spaces  \n\n```\n## Environmental Impact\n---\n```\n"


def record(**changes: Any) -> Any:
    return as_filed({**estimated(), **changes})


def card(text: str, **changes: Any) -> str:
    return with_footprint(text, record(**changes), "README.md")


def matter(text: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(text.removeprefix("\ufeff").split("---")[1])
    return found


def outside(text: str) -> str:
    """The card without what we write: the key's lines and the section with its heading."""
    before, _, rest = text.partition(BEGIN)
    lines = (before + rest.partition(END)[2]).splitlines(keepends=True)
    kept, ours = [], False
    for line in lines:
        ours = line.startswith("co2_eq_emissions:") or (ours and line[:1] in (" ", "-") and line[:3] != "---")
        if not ours:
            kept.append(line)
    return "".join(kept)


def test_the_number_is_grams() -> None:
    found = matter(card("---\nlicense: mit\n---\n", total=None, co2e_kg={"mid": 1.2345}))
    assert found["co2_eq_emissions"]["emissions"] == 1234  # four figures, of an even last one
    assert found["co2_eq_emissions"]["training_type"] == "pre-training"
    assert found["co2_eq_emissions"]["hardware_used"] == "8 x NVIDIA Tesla V100 SXM2 16 GB"
    assert found["co2_eq_emissions"]["geographical_location"] == "France"
    assert found["license"] == "mit"


def test_what_was_trained_is_said_only_where_it_is_known() -> None:
    workload = estimated()["workload"]
    for method, said in (("lora", "fine-tuning"), ("finetune", "fine-tuning"), (None, None)):
        found = matter(card("", workload={**workload, "method": method}))["co2_eq_emissions"]
        assert found.get("training_type") == said


@pytest.mark.parametrize("kg", [1e-9, 3.2e-8, 0.5, 1234.5, 7.7e9])
def test_every_number_is_one_without_an_exponent(kg: float) -> None:
    """YAML 1.1 reads 3.2e-05 as a text, and the Hub the digits before it."""
    text = card("", total=None, co2e_kg={"mid": kg})
    (line,) = [line for line in text.splitlines() if line.startswith("  emissions:")]
    shown = line.partition(":")[2].strip()
    assert set(shown) <= set("0123456789.")
    assert float(shown) == pytest.approx(kg * 1000, rel=1e-3)


def test_the_hub_reads_it() -> None:
    hub = pytest.importorskip("huggingface_hub")
    text = card(f"---\n{MATTER}---\n{BODY}")
    data = hub.ModelCard(text).data.to_dict()
    assert data["co2_eq_emissions"]["emissions"] == pytest.approx(
        estimated()["co2e_kg"]["mid"] * 1000, rel=1e-3
    )
    assert data["license"] == "mit"
    assert data["tags"] == ["a", "b"]


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "bom"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize(
    "text",
    [
        f"---\n{MATTER}---\n{BODY}", f"---\n---\n{BODY}", f"---\nlicense: mit\n---\n{BODY}",
        f"---\n# only a comment\n---\n{BODY}", "---\nlicense: mit\n---", f"---\n{MATTER}---\n# x\n",
        "---\nco2_eq_emissions: 17 kg\n---\n", "---\nco2_eq_emissions:\n- 17\n- 18\nlicense: mit\n---\n",
        "---\nco2_eq_emissions: {emissions: 3}\n\n# last\n---\n",
        "---\na: 1\n---\n# Card\n\n## Environmental Impact\n\nOur own words.\n\n## Next\n",
        "---\na: 1\n---\n## Environmental Impact",
    ],
)  # fmt: skip
def test_no_other_byte_changes(text: str, newline: str, mark: str) -> None:
    old = mark + text.replace("\n", newline)
    new = card(old)
    assert new.startswith(mark)
    assert new.count(BEGIN) == 1
    if newline == "\r\n":
        assert "\n" not in new.replace("\r\n", "")
    rest = outside(new)
    if "environmental" not in text.lower() or "```" in text:
        gap = "" if old.endswith("\n") else newline
        rest = rest.removesuffix(f"{gap}{newline}## Environmental Impact{newline}{newline}{newline}")
        assert rest == outside(old)
    else:
        assert "".join(rest.split()) == "".join(outside(old).split())
        for line in outside(old).splitlines():
            assert line in rest.splitlines()
    assert isinstance(matter(new)["co2_eq_emissions"]["emissions"], int | float)
    assert card(new) == new
    other = card(new, total=None, co2e_kg={"mid": 9.0})
    assert matter(other)["co2_eq_emissions"]["emissions"] == 9000
    assert outside(other) == outside(new)


def test_a_card_without_front_matter_gets_one() -> None:
    new = card("# My model\n")
    assert new.startswith("---\nco2_eq_emissions:\n")
    assert "\n---\n\n# My model\n" in new


def test_other_keys_below_ours_are_kept() -> None:
    old = (
        "---\nco2_eq_emissions:\n  emissions: 3\n  note: 'mine'  # and why\n  source: y\nlicense: mit\n---\n"
    )
    new = card(old)
    assert "  note: 'mine'  # and why\n" in new
    assert matter(new)["co2_eq_emissions"]["note"] == "mine"
    assert card(new) == new


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\nlicense: mit\n", "has no end"),
        ("---\na: [1\n---\n", "not valid YAML"),
        ("---\na: 1\na: 2\n---\n", "twice"),
        ("---\n- a\n- b\n---\n", "no mapping"),
        ("---\n{license: mit}\n---\n", "braces"),
        ("---\na: &x 1\nco2_eq_emissions: *x\n---\n", "alias"),
        ("---\nco2_eq_emissions: &x 1\nb: *x\n---\n", "anchor"),
        ("---\n\tx: 1\n---\n", "not valid YAML"),
        (f"---\na: {'[' * 3000}\n---\n", "open brackets"),
        (f"---\na: {'x' * 300_000}\n---\n", "KiB"),
        (f"---\na: 1\n---\n{BEGIN}\n", "pairs"),
        (f"---\na: 1\n---\n{END}\n{BEGIN}\n", "before"),
    ],
)
def test_a_broken_card_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=said):
        card(text)
    path, run = tmp_path / "README.md", tmp_path / "run.json"
    path.write_text(text)
    run.write_text(json.dumps(estimated()))
    done = command("card", str(path), "--run", str(run))
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert path.read_text() == text
    assert {one.name for one in tmp_path.iterdir()} == {"README.md", "run.json"}


def test_names_of_strangers_are_texts() -> None:
    new = with_footprint("---\nlicense: mit\n---\n", as_filed(nasty()), "README.md")
    assert not any(sign in new for sign in HIDDEN)
    found = matter(new)
    assert set(found) == {"license", "co2_eq_emissions"}
    assert all(isinstance(value, str | int | float) for value in found["co2_eq_emissions"].values())
    assert "<b>" not in new.partition(BEGIN)[2]


def test_the_command_changes_the_file_in_place_and_only_once(tmp_path: Path) -> None:
    path, run = tmp_path / "README.md", tmp_path / "run.json"
    run.write_text(json.dumps(estimated()))
    old = f"\ufeff---\n{MATTER}---\n{BODY}".replace("\n", "\r\n").encode()
    path.write_bytes(old)
    shown = command("card", str(path), "--run", str(run), "-o", "-")
    assert shown.code == 0
    assert path.read_bytes() == old
    link = tmp_path / "link.md"
    link.symlink_to(path)
    assert command("card", str(link), "--run", str(run)).code == 0
    assert link.is_symlink()
    once = path.read_bytes()
    assert once.decode() == card(old.decode())
    assert command("card", str(path), "--run", str(run)).code == 0
    assert path.read_bytes() == once


@pytest.mark.parametrize("name", ["absent.md", ".", "\0"])
def test_no_such_card(name: str, tmp_path: Path) -> None:
    run = tmp_path / "run.json"
    run.write_text(json.dumps(estimated()))
    assert command("card", str(tmp_path / name), "--run", str(run)).code == 2


@pytest.mark.parametrize("name", ["run.json", "RUN.JSON", "runs.csv", "scenario.toml"])
def test_a_record_is_never_written_into(name: str, tmp_path: Path) -> None:
    path, run = tmp_path / name, tmp_path / "other.json"
    path.write_text("{}\n")
    run.write_text(json.dumps(estimated()))
    done = command("card", str(path), "--run", str(run))
    assert done.code == 2
    assert "not a model card" in done.err
    assert path.read_text() == "{}\n"
