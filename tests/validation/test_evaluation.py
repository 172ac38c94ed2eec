"""The evaluation set: fixed draws, normalised conventions, recorded exclusions."""

from __future__ import annotations

import random
import re

import pytest

from calibration import generic
from calibration.fit import development_cases
from footprint.catalog.files import read_csv, reference_folder
from footprint.catalog.sources import all_sources
from footprint.catalog.stacks import stack_ids
from footprint.parsing import parse_month
from footprint.validation import cases as case_tables
from footprint.validation.cases import Case, evaluation, shapes, throughput_cases
from footprint.validation.published import throughput

PUBLISHED = reference_folder() / "published"
TABLES = sorted(path.name for path in PUBLISHED.glob("*.csv"))


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return {case.id: case for case in throughput_cases()}


@pytest.mark.parametrize("table", TABLES)
def test_every_row_names_a_described_source_and_its_basis(table):
    for row in read_csv(PUBLISHED / table):
        assert row["source"] in all_sources(), row
        assert row["basis"] in ("datasheet", "measured", "derived", "assumed"), row


@pytest.mark.parametrize("table", [name for name in TABLES if "strubell" not in name])
def test_ids_are_unique(table):
    ids = [row["id"] for row in read_csv(PUBLISHED / table)]
    assert len(ids) == len(set(ids))


def test_shapes_name_described_sources():
    for name, entry in shapes().items():
        assert entry["source"] in all_sources(), name
        assert entry["config"]["model_type"]


def test_the_sealed_sources_are_those_of_the_draw():
    fixed = evaluation()["throughput"]
    generator = random.Random(fixed["seed"])  # noqa: S311 - a draw, not a secret
    drawn = generator.sample(sorted(fixed["larger"]), 2) + generator.sample(sorted(fixed["smaller"]), 4)
    assert drawn == fixed["sealed"]


def test_every_family_is_drawn_from_or_said_not_to_be():
    fixed = evaluation()["throughput"]
    families = {
        row["family"]
        for table in ("throughput.csv", "throughput_small.csv")
        for row in read_csv(PUBLISHED / table)
        if not row["excluded"] and row["family"]
    }
    assert families <= {
        *fixed["not_drawn"],
        *fixed["larger"],
        *fixed["smaller"],
        *fixed["second"]["families"],
        *fixed["third"]["sources"],
        *fixed["fourth"]["sources"],
        *fixed["fifth"]["sources"],
        *fixed["sixth"]["sources"],
        *fixed["seventh"]["sources"],
        *fixed["eighth"]["sources"],
    }


def test_the_second_draw_is_of_sources_and_submitters_that_are_in_the_table():
    second = evaluation()["throughput"]["second"]
    generator = random.Random(second["seed"])  # noqa: S311 - a draw, not a secret
    drawn = generator.sample(sorted(second["tables"]), 2)
    drawn += [f"mlperf-v5.1-{name}" for name in generator.sample(sorted(second["submitters"]), 4)]
    assert drawn == second["sealed"]
    sources = {*second["tables"], *(f"mlperf-v5.1-{name}" for name in second["submitters"])}
    rows = [row for row in read_csv(PUBLISHED / "throughput.csv") if row["source"] in sources]
    assert {row["source"] for row in rows} == sources
    assert sources <= {case.stack for case in development_cases()}


@pytest.mark.parametrize(
    ("name", "size"), [("third", 5), ("fourth", 8), ("fifth", 6), ("sixth", 7), ("seventh", 14)]
)
def test_a_draw_that_was_read_was_opened_for_the_fit_after_it(name, size):
    draw = evaluation()["throughput"][name]
    generator = random.Random(draw["seed"])  # noqa: S311 - a draw, not a secret
    drawn = generator.sample(sorted(draw["sources"]), size)
    assert drawn == draw["sealed"]
    tables = ("throughput.csv", "throughput_small.csv")
    rows = [row for table in tables for row in read_csv(PUBLISHED / table)]
    usable = {row["source"] for row in rows if not row["excluded"]}
    assert set(draw["sources"]) & usable <= {case.stack for case in development_cases()}


def test_the_software_of_every_row_is_a_stack(cases):
    for table in ("throughput.csv", "throughput_small.csv"):
        for row in read_csv(PUBLISHED / table):
            assert row["software"] in stack_ids(), row
            assert row["attention"] in ("", "flash", "masked", "eager"), row
    # The table names PyTorch's FSDP with torch.compile, and the vendor's kernels for models with experts.
    assert cases["t0861"].software == "fms"
    assert cases["t0861"].native
    assert cases["t1500"].software == "nemo-automodel"
    assert not cases["t1500"].native
    assert cases["t1507"].native


def test_a_release_lies_in_the_year_of_its_row(cases):
    dated = [row for row in read_csv(PUBLISHED / "throughput.csv") if row["released"]]
    assert len(dated) > 290
    for row in dated:
        assert int(row["year"]) <= parse_month(row["released"]) < int(row["year"]) + 1, row
        name = re.search(r"-(\d\d\.\d\d)", row["source"])
        assert name is None or row["released"] == f"20{name[1]}".replace(".", "-")
    assert 2026.5 < cases["t2098"].released < 2026.6  # July


def test_boards_of_a_node_are_those_that_the_note_says(cases):
    rows = read_csv(PUBLISHED / "throughput.csv")
    said = [row["id"] for row in rows if row["note"].startswith("four boards a node") and not row["excluded"]]
    assert len(said) >= 18
    assert {cases[name].cluster.node.accelerators for name in said if name in cases} == {4}


@pytest.fixture
def closed(monkeypatch) -> set[str]:
    """The sealed sources of the last draw, closed as if no fit had read them."""
    draws = {**evaluation()["throughput"], "closed": ["seventh"]}
    monkeypatch.setattr(case_tables, "evaluation", lambda: {**evaluation(), "throughput": draws})
    throughput.countable_cases.cache_clear()
    yield set(draws["seventh"]["sealed"])
    throughput.countable_cases.cache_clear()


def test_a_closed_draw_seals_its_sources_and_no_others(closed):
    cases = list(throughput_cases(errors=[]))
    assert {case.stack for case in cases if case.sealed} == closed
    assert not {case.stack for case in development_cases()} & closed


def test_no_sealed_source_is_validated(monkeypatch, closed):
    monkeypatch.setattr(throughput, "predict_case", lambda case, *_, **__: case)
    for by in throughput.FOLDS:
        read = {case.stack for case in throughput.rows(found=True, by=by)}
        assert read
        assert not read & closed


def test_no_sealed_source_is_in_the_accuracy_of_unknown_shapes(monkeypatch, closed):
    only = [one for one in throughput.countable_cases() if one.case.sealed]
    assert {one.case.stack for one in only} == closed
    monkeypatch.setattr(generic, "countable_cases", lambda: only)
    assert generic.accuracy() == {}


def test_adapters_on_weights_of_4_bits_have_the_targets_of_their_row(cases):
    # FSDP + QLoRA, Llama-2-7B on two RTX 4090: 10 sequences a board, 1,024 of 2,048 tokens in 466 s.
    case = next(
        case
        for case in cases.values()
        if case.stack == "fsdp-qlora" and case.training.method == "qlora" and case.shape.sequences == 20
    )
    assert case.training.lora_targets[-1] == "down_proj"
    assert case.measured_s == pytest.approx(466 * 20 / 1024, rel=1e-5)


def test_the_sealed_developers_are_those_of_the_draw():
    fixed = evaluation()["runs"]
    rows = list(read_csv(PUBLISHED / "runs.csv"))
    # The draw was made before some rows were added, and before some were excluded.
    was_excluded = {row["id"] for row in rows if row["excluded"]} - {*fixed["excluded_since"]}
    then = [row for row in rows if row["id"] not in was_excluded | {*fixed["added_since"]}]
    developers = sorted({row["developer"] for row in then})
    generator = random.Random(fixed["seed"])  # noqa: S311 - a draw, not a secret
    drawn = generator.sample(developers, round(0.2 * len(developers)))
    assert sorted(drawn) == fixed["sealed"]


def test_every_usable_row_is_a_case(cases):
    usable = [
        row["id"]
        for table in ("throughput.csv", "throughput_small.csv")
        for row in read_csv(PUBLISHED / table)
        if not row["excluded"]
    ]
    assert set(usable) == set(cases)


def test_tokens_a_chip_become_seconds_a_step(cases):
    # llm-foundry: MPT-70B, 512 H100, batch 4096 x 2048, 1,007 tokens/s a GPU.
    assert cases["t0001"].measured_s == pytest.approx(4096 * 2048 / (512 * 1007))


def test_hardware_flops_are_turned_into_model_flops(cases):
    # Narayanan et al. 2021, Table 1, 145.6 B: 148 TFLOP/s a GPU with recomputation, 1,536 GPUs,
    # batch 2,304; their own formula 96 B s l h^2 (1 + s / 6h + V / 16 l h) gives the iteration.
    batch, length, layers, width, vocabulary = 2304, 2048, 80, 12288, 51200
    flop = (
        96
        * batch
        * length
        * layers
        * width**2
        * (1 + length / (6 * width) + vocabulary / (16 * layers * width))
    )
    assert cases["t0307"].measured_s == pytest.approx(flop / (1536 * 148e12), rel=0.01)


def test_causal_and_full_conventions_give_one_step_time(cases):
    # Where a source prints tokens/s and FLOP/s, the two agree under the convention it uses
    # (fine-tuning packs shorter documents, whose attention is less).
    from footprint.flops import count_step

    rows = {row["id"]: row for row in read_csv(PUBLISHED / "throughput.csv")}
    checked = {"model_causal": 0, "model_full": 0}
    for case in cases.values():
        row = rows.get(case.id)
        if row is None or case.kind != "decoder" or case.training.method != "pretrain":
            continue
        convention, printed = row["flop_convention"], row["flop_per_s_reported"]
        if convention not in checked or not printed or not row["tokens_per_s_per_accelerator"]:
            continue
        flops = count_step(case.config, case.shape, case.training)
        flop = flops.training_flop_causal if convention == "model_causal" else flops.training_flop
        rate = float(flop) / case.measured_s / case.cluster.count
        # Sources leave out or include embeddings and padding of the vocabulary.
        assert rate == pytest.approx(float(printed), rel=0.045), case.id
        checked[convention] += 1
    assert min(checked.values()) > 80


def test_no_case_exceeds_three_quarters_of_its_peak(cases):
    # Above 0.75 of the dense peak of its own precision a published figure is an error; fp32 on
    # vector units comes closer to its peak than matrix units do. Beyond 64k tokens the halves that a causal
    # mask hides, which no kernel computes, are most of the FLOPs.
    from footprint.flops import count_step

    for case in cases.values():
        counted = count_step(case.config, case.shape, case.training, case.objective)
        is_long = (case.shape.sequence_length or 0) > 65_536
        flop = float(counted.training_flop_causal if is_long else counted.training_flop)
        peak = case.cluster.count * case.cluster.accelerator.peak_flop_per_s[case.precision]
        # GeForce boards run above the clock of their rated peak.
        high = case.precision == "fp32" or case.cluster.accelerator.id.startswith("rtx")
        assert flop / case.measured_s / peak < (0.81 if high else 0.75), case.id


def test_lora_rows_count_lora_flops(cases):
    lora = [case for case in cases.values() if case.training.method == "lora"]
    assert {case.id for case in lora} >= {"t0638", "t0639", "t0640"}
