"""Plans: budgets of every kind, the other way round, shapes, thresholds, bad input."""

from __future__ import annotations

import json
from typing import Any

import pytest

import footprint
from footprint.catalog.laws import find_law, scale_data
from footprint.catalog.models import find_model
from footprint.decisions.plans.laws import of_flop
from footprint.results.decisions.plan import Plan

KEYS = [
    "schema", "footprint_version", "data_version",
    "law", "budgets", "binding_budget", "flop", "parameters", "tokens", "tokens_per_parameter",
    "epochs", "unique_tokens", "effective_tokens", "loss", "duration_h", "energy_kwh", "co2e_kg", "cost_usd",
    "mfu", "spread", "inference", "nearest_models", "shapes", "thresholds", "assumptions", "warnings",
]  # fmt: skip
HERE: dict[str, Any] = {"hw": "h100:64", "region": "FRA"}


@pytest.fixture(scope="module")
def two() -> Plan:
    return footprint.plan(["500kgCO2e", "7d"], **HERE)


def test_the_record_has_the_keys_of_the_contract(two: Plan) -> None:
    for one in (two, footprint.plan("1e22FLOP")):
        assert list(one.to_json()) == KEYS
        json.dumps(one.to_json(), allow_nan=False)
    assert two.to_json()["schema"] == "footprint/plan/1"


def test_flop_alone_is_the_law_alone() -> None:
    found = footprint.plan("1e22FLOP")
    own = of_flop(find_law("besiroglu2024"), 1e22)
    assert (found.parameters, found.tokens, found.loss) == (own.parameters, own.tokens, own.loss)
    assert found.duration_h is None
    assert found.mfu is None
    assert (found.binding_budget, found.epochs, found.unique_tokens) == ("1e22FLOP", 1.0, found.tokens)


def test_the_estimate_of_the_plan_uses_up_the_binding_budget(two: Plan) -> None:
    assert two.binding_budget == "500kgCO2e"
    assert [one.binding for one in two.budgets] == [True, False]
    assert two.flop == min(one.flop for one in two.budgets)
    again = footprint.estimate(parameters=two.parameters, tokens=two.tokens, **HERE)
    assert again.co2e_kg.mid == pytest.approx(500.0, rel=1e-3)
    assert again.duration_h.mid < 7 * 24
    assert two.mfu is not None
    assert again.mfu is not None
    assert two.mfu.mid == pytest.approx(again.mfu.mid, rel=1e-3)
    assert two.co2e_kg is not None
    assert two.co2e_kg.low < 500 < two.co2e_kg.high
    assert 6 * two.parameters * two.tokens == pytest.approx(two.flop, rel=1e-9)


@pytest.mark.parametrize(
    ("budget", "quantity", "amount"),
    [("7d", "duration_h", 168.0), ("2MWh", "energy_kwh", 2000.0), ("$10k", "cost_usd", 10_000.0)],
)
@pytest.mark.parametrize("hw", ["h100:64", "v100:8", "tpu-v3:32"])
def test_every_budget_is_used_up(budget: str, quantity: str, amount: float, hw: str) -> None:
    found = footprint.plan(budget, hw=hw, region="FRA")
    assert getattr(found, quantity).mid == pytest.approx(amount, rel=1e-3)
    # Where the step time jumps, the size is that below the jump and is trained longer.
    best = of_flop(find_law(found.law), found.flop)
    assert 0.9 < found.parameters / best.parameters <= 1.0015
    assert found.loss == pytest.approx(best.loss, rel=1e-3)


def test_a_budget_buys_the_same_alone_and_beside_others(two: Plan) -> None:
    assert footprint.plan("7d", **HERE).flop == pytest.approx(two.budgets[1].flop, rel=1e-12)


def test_a_given_mfu_is_a_closed_form() -> None:
    found = footprint.plan("7d", mfu=0.4, goodput=0.9, **HERE)
    assert found.flop == pytest.approx(64 * 989.4e12 * 0.4 * 0.9 * 7 * 86_400, rel=1e-3)
    assert found.mfu is not None
    assert found.mfu.mid == pytest.approx(0.4, rel=1e-12)


def test_kaplans_parameters_are_trained_with_their_embeddings() -> None:
    found = footprint.plan("3d", hw="v100:8", law="kaplan2020")
    assert found.run is not None
    assert found.run.model is not None
    trained = found.run.model.parameters
    assert trained is not None
    assert trained > 1.05 * found.parameters
    again = footprint.estimate(parameters=trained, tokens=found.tokens, hw="v100:8")
    assert again.duration_h.mid == pytest.approx(72, rel=1e-3)
    for one in found.shapes:
        assert one.parameters == pytest.approx(trained, rel=0.02)


def test_the_least_budget_binds() -> None:
    found = footprint.plan(["1e21FLOP", "30d", "1e20 FLOP"], **HERE)
    assert found.binding_budget == "1e20 FLOP"
    assert found.flop == 1e20


def test_pf_days_are_flop() -> None:
    assert footprint.plan("3640 PF-days").flop == pytest.approx(3640 * 8.64e19, rel=1e-12)
    assert footprint.plan("10EFLOP").flop == 1e19


def test_a_loss_and_a_model_ask_the_other_way_round() -> None:
    found = footprint.plan(loss=2.1, hw="h100:64")
    assert found.loss == pytest.approx(2.1, rel=1e-12)
    assert found.budgets == ()
    assert found.binding_budget is None
    model = footprint.plan(model="llama2-7b", hw="h100:64")
    assert model.parameters == 6_738_415_616  # the published checkpoint's
    own = footprint.estimate(model="llama2-7b", tokens=model.tokens, hw="h100:64")
    assert model.duration_h is not None
    assert model.duration_h.mid == own.duration_h.mid


def test_other_laws_stand_beside_at_the_same_flop(two: Plan) -> None:
    laws = {one.law: one for one in two.spread}
    assert len(laws) == 7
    for name, one in laws.items():
        if name != two.law:
            assert one.parameters == of_flop(find_law(name), two.flop).parameters
    assert laws["hoffmann2022_a1"].loss is None


def test_serving_is_beside_the_laws_own_optimum() -> None:
    found = footprint.plan(loss=1.947, inference_tokens="2T")
    assert found.law == "sardana2023"
    assert found.inference is not None
    assert found.inference.saved_share == pytest.approx(1 - 0.9522, abs=1e-4)
    total = footprint.plan("1e24FLOP", inference_tokens=2e12).inference
    assert total is not None
    assert total.total_flop == pytest.approx(1e24, rel=1e-9)


def test_unique_tokens_are_repeated() -> None:
    found = footprint.plan("1e22FLOP", unique_tokens="25B")
    assert found.law == "muennighoff2023"
    assert found.epochs == pytest.approx(found.tokens / 25e9, rel=1e-12)
    assert 25e9 < found.effective_tokens < found.tokens
    plenty = footprint.plan("1e22FLOP", unique_tokens="25T")
    assert (plenty.epochs, plenty.effective_tokens) == (1.0, plenty.tokens)
    assert plenty.parameters == pytest.approx(footprint.plan("1e22FLOP", law="muennighoff2023").parameters)


@pytest.mark.parametrize("flop", ["1e19FLOP", "1e22FLOP", "1e25FLOP"])
def test_shapes_are_what_people_build(flop: str) -> None:
    found = footprint.plan(flop)
    assert len(found.shapes) == 3
    for one in found.shapes:
        assert one.parameters == pytest.approx(found.parameters, rel=0.02)
        head = one.width // one.heads
        assert head * one.heads == one.width
        assert head in (64, 128)
        layer = 4 * one.width**2 + 3 * one.width * one.inner_width
        norms = (2 * one.layers + 1) * one.width
        assert one.parameters == one.layers * layer + one.vocabulary * one.width + norms
        products = one.layers * layer + one.vocabulary * one.width
        attention = 2 * one.layers * one.width * one.sequence_length
        flop_per_token = 6 * (products + attention)  # scores and weighted sum: 2 d T multiply-adds a token
        assert one.training_flop == pytest.approx(flop_per_token * found.tokens, rel=1e-9)


def test_shapes_are_counted_at_the_length_of_the_run() -> None:
    found = footprint.plan("2MWh", hw="h100:64", region="FRA")
    assert found.run is not None
    assert {one.sequence_length for one in found.shapes} == {found.run.workload.sequence_length}
    # The run's generic decoder is a little wider than the shape, which is of whole heads.
    assert found.shapes[0].training_flop == pytest.approx(found.run.flop.model_flop, rel=0.03)


def test_nearest_models_are_dense_decoders_by_distance(two: Plan) -> None:
    distances = [abs(one.parameters / two.parameters - 1) for one in two.nearest_models]
    assert len(distances) == 5
    assert max(distances) < 0.2
    assert footprint.plan(model="gpt3-175b").nearest_models[0].name in ("gpt3-175b", "opt-175b", "bloom-176b")


def test_thresholds_are_those_passed_and_carry_their_caveat() -> None:
    assert len(scale_data("emergence")["thresholds"]) == 22
    none, some = footprint.plan("1e19FLOP"), footprint.plan("2.3e22FLOP")
    assert none.thresholds == ()
    assert {one.model for one in some.thresholds} == {"GPT-3", "Gopher", "LaMDA", "EleutherAI"}
    assert some.thresholds[0].ability == "addition and subtraction, 3 digits"
    assert any("never a promise" in str(row.value) for row in some.assumptions)
    assert not any("never a promise" in str(row.value) for row in none.assumptions)


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"budget": "1e10FLOP"}, "no law holds below 1,000,000"),
        ({"budget": "1Wh", "hw": "h100:64"}, "no law holds"),
        ({"budget": "1e-30kgCO2e", "hw": "h100:8"}, r"`budget=1e-30kgCO2e` buys .* too few .* a larger one"),
        ({"budget": "$1e20", "hw": "h100:8"}, r"`budget=\$1e20` buys .* too many .* a smaller one"),
        ({"loss": 1.8}, "floor"),
        ({"loss": 2.1, "law": "hoffmann2022_a1"}, "gives no loss"),
        ({"budget": "1e20FLOP", "inference_tokens": 1e15}, "serving takes 9"),
        ({"budget": "7d"}, "depends on hardware"),
        ({"budget": "1e22FLOP", "region": "FRA"}, "without hardware"),
        ({"budget": "1e22"}, "FLOP or PF-days"),
        ({"budget": "1e22FLOP/s"}, "cannot read"),
        ({"budget": "0FLOP"}, "above 0"),
        ({}, "starts from"),
        ({"budget": "1e22FLOP", "loss": 2.0}, "contradict"),
        ({"budget": "7d", "hw": "h100:8", "hours": 3}, "budget='7d'"),
        ({"budget": "1e22FLOP", "law": "kaplan2020", "unique_tokens": 1e9}, "nothing of repeated data"),
        ({"budget": "1e22FLOP", "law": "kaplan2020", "inference_tokens": 1e9}, "does not say"),
        ({"budget": "1e22FLOP", "unique_tokens": -1}, "above 0"),
        ({"model": "resnet-50"}, "no text"),
        ({"budget": "7kgCO2e", "hw": "h100:8", "grid_g_per_kwh": 0}, "nothing of it is used"),
        ({"budget": "1e26FLOP", "hw": "v100:8"}, "does not fit"),
        ({"budget": "1e22FLOP", "hw": "h100:8", "colour": "red"}, "colour"),
        ({"budget": "1e22FLOP", "hw": "h100:8", "tokens": 1e9}, "leave it out"),
        ({"budget": "1e22FLOP", "hw": "h100:8", "method": "lora"}, "leave it out"),
        ({"budget": "1e60FLOP"}, "at most 1e\\+40"),
        ({"budget": 7}, "must be a text"),
        ({"budget": [7]}, "must be a text"),
        ({"budget": "1e22FLOP", "law": 5}, "must be a text"),
        ({"model": 5}, "must be a text"),
        ({"loss": 1.8172 + 1e-9}, "higher `loss=`"),
    ],
)
def test_bad_input(asked: dict[str, Any], match: str) -> None:
    with pytest.raises(footprint.FootprintError, match=match):
        footprint.plan(**asked)


# Wei et al. 2022, Table 1: FLOP -> (parameters, family), with as many rows as the table has of them.
TABLE_1 = {
    2.3e22: [(13e9, "GPT-3")],
    3.1e23: [(175e9, "GPT-3")] * 5,
    1.3e22: [(7.1e9, "Gopher")] * 2,
    5.0e23: [(280e9, "Gopher")] * 3 + [(70e9, "Chinchilla")],
    2.5e24: [(540e9, "PaLM")],
    1.3e23: [(68e9, "FLAN"), (68e9, "LaMDA"), (68e9, "LaMDA")],
    8.9e19: [(40e6, "LaMDA")],
    2.9e23: [(62e9, "PaLM")] * 2,
    3.3e22: [(11e9, "T5")],
    2.6e23: [(52e9, "Anthropic")],
    1.4e22: [(6e9, "EleutherAI")],
}


def test_the_scales_of_emergence_are_those_of_the_table() -> None:
    found: dict[float, list[tuple[float, str]]] = {}
    for row in scale_data("emergence")["thresholds"]:
        found.setdefault(row["training_flop"], []).append((row["parameters"], row["model"]))
    assert {flop: sorted(rows) for flop, rows in found.items()} == {
        flop: sorted(rows) for flop, rows in TABLE_1.items()
    }


def test_the_landscape_agrees_with_the_built_in_models() -> None:
    models = {one["name"]: one for one in scale_data("landscape_2023")["models"]}
    for name, model_id in (
        ("GPT-3 175B", "gpt3-175b"), ("Gopher 280B", "gopher-280b"), ("Chinchilla 70B", "chinchilla-70b"),
        ("PaLM 540B", "palm-540b"), ("OPT 66B", "opt-66b"), ("BLOOM 176B", "bloom-176b"),
        ("LLaMA 65B", "llama1-65b"),
    ):  # fmt: skip
        built_in = find_model(model_id)
        assert models[name]["parameters"] == pytest.approx(built_in.parameters, rel=0.01)
        assert built_in.recipe is not None
        assert models[name]["tokens"] == built_in.recipe.tokens


@pytest.mark.parametrize(
    "asked",
    [
        {"budget": "1e22FLOP"},
        {"budget": "3640PF-days", "law": "kaplan2020"},
        {"budget": "1e22FLOP", "unique_tokens": "25B"},
        {"loss": 2.0, "inference_tokens": "2T"},
        {"budget": "1e19FLOP", "law": "hoffmann2022_a3"},
    ],
)
def test_plots_hold_the_plan_and_published_models(asked: dict[str, Any]) -> None:
    found = footprint.plan(**asked)
    left, right = found.plot().axes
    assert left.get_xscale() == right.get_xscale() == right.get_yscale() == "log"
    stars = [line for line in right.lines if line.get_marker() == "*"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in stars] == [
        (found.parameters, found.tokens)
    ]
    assert len([line for line in right.lines if line.get_marker() == "o"]) >= 10


def test_it_shows_itself(two: Plan) -> None:
    assert "500kgCO2e buys" in str(two)
    assert "500kgCO2e buys" in two._repr_html_()
    assert two._repr_markdown_().startswith("### 500kgCO2e buys")
    frame = two.to_frame()
    assert frame["law"].iloc[0] == two.law
    assert frame["co2e_kg_mid"][0] == pytest.approx(500, rel=1e-3)
    assert len(frame) == 7
