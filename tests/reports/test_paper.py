"""Texts for papers: every source is cited, names are text, kinds are totalled apart."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import footprint
from footprint.catalog.sources import all_sources
from footprint.reports.exports import as_filed
from footprint.reports.texts.latex import in_latex, in_url
from footprint.reports.texts.paper import PARTS
from tests.cli.run import footprint as command
from tests.reports.exports.records import HIDDEN, estimated, measured, nasty

RECORD = as_filed(estimated())


def test_every_citation_has_its_entry() -> None:
    cited = re.search(r"\\cite\{([^}]+)\}", PARTS["sentence"]([RECORD]))
    assert cited is not None
    keys = set(cited[1].split(","))
    entries = re.findall(r"^@\w+\{([^,]+),$", PARTS["bibtex"]([RECORD]), re.MULTILINE)
    assert keys == set(entries)
    assert len(entries) == len(set(entries))
    # the factors that the record names, the chip's data sheet and the model's paper
    assert {"footprint", "ember-yearly-2026", "devlin2018-bert"} <= keys
    named = {part for row in estimated()["assumptions"] for part in re.split(r"[;,] ", row["source"])}
    assert named & set(all_sources()) <= keys
    assert set(re.split("; ", estimated()["price"]["source"])) <= keys


def test_an_entry_has_title_year_and_licence() -> None:
    text = PARTS["bibtex"]([RECORD])
    entry = text[text.index("@misc{ember-yearly-2026") :].partition("\n\n")[0]
    assert "title = {{Ember: Yearly Electricity Data (2026 edition)" in entry
    assert "year = {2026}" in entry
    assert r"\url{https://ember-energy.org/data/yearly-electricity-data/}" in entry
    assert "CC-BY-4.0" in entry


def test_the_sentence_says_what_how_long_how_much_and_where() -> None:
    record = estimated()
    record["duration_h"] = {"low": 10.0, "mid": 20.0, "high": 40.0}
    record["total"]["energy_kwh"] = {"low": 100.0, "mid": 200.0, "high": 400.0}
    record["total"]["co2e_kg"] = {"mid": 8.0}
    record["pue"] = {"mid": 1.25}
    record["grid_g_per_kwh"] = {"mid": 40.0}
    text = PARTS["sentence"]([as_filed(record)])
    for said in (
        "Training bert-base on 8 x NVIDIA Tesla V100 SXM2 16 GB", "20.0 h (90 \\% interval 10 h to 40 h)",
        "is estimated to use 200 kWh (90 \\% interval 100 kWh to 400 kWh)", "PUE of 1.25", "8.00 kg of CO2e",
        "in France, at 40 g/kWh", "life-cycle and location-based",
    ):  # fmt: skip
        assert said in text, said


def test_a_metered_run_used_its_energy() -> None:
    record = measured()
    assert "is estimated to use" in PARTS["sentence"]([as_filed(record)])
    record["meters"] = [{"component": "gpu", "how": "measured", "source": "NVML"}]
    text = PARTS["sentence"]([as_filed(record)])
    assert " used " in text
    assert "estimated" not in text


def test_the_checklist_totals_kinds_apart_and_names_failures() -> None:
    one, other, third = measured(), {**measured(), "status": "killed"}, estimated()
    for record, kwh in ((one, 2.0), (other, 3.0)):
        record["energy_kwh"], record["accelerator_h"] = {"mid": kwh}, {"mid": 10.0}
    third["total"] |= {"energy_kwh": {"mid": 100.0}, "accelerator_h": {"mid": 50.0}}
    text = PARTS["checklist"]([as_filed(record) for record in (one, other, third)])
    assert "Total of 2 measured runs: 20.0 accelerator-h and 5.00 kWh" in text
    assert "Total of 1 estimated run: 50.0 accelerator-h and 100 kWh" in text
    assert "1 did not complete (killed) and used 3.00 kWh" in text
    assert text.count(r" \\") == 1 + 3  # the heading and each run
    assert "FILL IN" in text


def test_the_checklist_of_every_recorded_run(tmp_path: Path) -> None:
    for name in ("first", "second"):
        with footprint.track(meter="constant:100W", journal_dir=tmp_path, quiet=True, name=name) as run:
            run.step()
    done = command("paper", "--part", "checklist", "--dir", str(tmp_path))
    assert done.code == 0
    assert "Total of 2 measured runs" in done.out
    assert "first" in done.out
    assert "second" in done.out
    assert command("paper", "--dir", str(tmp_path)).out.count("second") == 1
    empty = tmp_path / "empty"
    empty.mkdir()
    assert command("paper", "--part", "checklist", "--dir", str(empty)).code == 2


def test_the_badge_is_an_endpoint_of_shields() -> None:
    found = json.loads(PARTS["badge"]([RECORD]))
    assert set(found) == {"schemaVersion", "label", "message", "color"}
    assert found["schemaVersion"] == 1
    assert found["message"].startswith(f"{estimated()['energy_kwh']['mid']:.1f} kWh · ")


@pytest.mark.parametrize("part", ["sentence", "latex", "checklist", "bibtex"])
def test_no_name_of_a_stranger_is_a_command_of_latex(part: str) -> None:
    text = PARTS[part]([as_filed(nasty())])
    assert not any(sign in text for sign in HIDDEN)
    assert r"\input" not in text
    assert "/etc/passwd" not in text or r"\textbackslash{}input\{/etc/passwd\}\%" in text
    ours = {
        "begin", "end", "centering", "toprule", "midrule", "bottomrule", "caption", "label", "cite", "url",
        "ref", "item", "bf", "answerYes", "textbackslash", "textasciitilde", "textasciicircum", "textless",
        "textgreater", "textbar", "textquotedbl", "textasciigrave",
    }  # fmt: skip
    bare = re.sub(r"\\\\|\\[%$&#_{},]", "", text)
    assert set(re.findall(r"\\([a-zA-Z]+)", bare)) <= ours
    assert bare.count("{") == bare.count("}")
    assert "%" not in bare
    if part == "latex":
        assert all(line.count("&") == 6 for line in bare.splitlines() if line.endswith(" ") and "&" in line)


def test_markdown_and_badge_keep_names_as_text() -> None:
    text = PARTS["markdown"]([as_filed(nasty())])
    assert "<b>" not in text
    assert not any(sign in text for sign in HIDDEN)
    assert json.loads(PARTS["badge"]([as_filed(nasty())]))["schemaVersion"] == 1


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("50 % of $x_1$ & #2", r"50 \% of \$x\_1\$ \& \#2"),
        (r"\input{a}", r"\textbackslash{}input\{a\}"),
        ("a~b^c", r"a\textasciitilde{}b\textasciicircum{}c"),
        ("line\nbreak", "line break"),
    ],
)
def test_signs_of_latex(text: str, written: str) -> None:
    assert in_latex(text) == written


def test_only_a_plain_address_is_a_url() -> None:
    assert in_url("https://a.org/x?y=1&z=2") == "https://a.org/x?y=1&z=2"
    for text in (
        "https://a.org/}\\input{x}",
        "javascript:x",
        "https://a.org/ b",
        "https://a.org/%20",
        "a.org",
    ):
        assert in_url(text) is None
