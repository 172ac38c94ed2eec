"""Whatever is typed: no traceback, and an exit code that means what the manual says."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.run import footprint

FLAGS = """
    --tokens --samples --steps --epochs --batch-size --seq-len --tgt-seq-len --image-size --method --lora-rank
    --lora-targets --frozen --precision --tp --pp --dp --cp --ep --micro-batch --recompute --attention
    --optimizer --accelerators-per-node --cooling --network --hours --step-time-s --tokens-per-second
    --samples-per-second --mfu --goodput --it-power-w --accelerator-power-w --region --year --pue
    --grid-g-per-kwh --provider --purchase --usd-per-hour --electricity-usd-per-kwh --capital-usd
    --lifetime-years --utilisation --runs --failed-share --trials --mean-fraction --search
    --keep-one-in --shortest-fraction --format --fail-over --fail-over-bound --name
"""
NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.integers(-10, 10**30).map(str),
    st.sampled_from(
        ["0", "-0", "1", "1e308", "1e-320", "9" * 400, "0x10", "1_000", "١٢", "1e", "$", "NaN", "300B"]
    ),
)
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["json", "spot", "lora", "FRA", "aws:us-east-1", "fp16", "full", "q,v", "immersion", "10 kgCO2e"]
    ),
)
OPTIONS = st.lists(st.tuples(st.sampled_from(FLAGS.split()), st.one_of(NUMBERS, TEXTS)), max_size=4)
SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.slow
@SETTINGS
@given(options=OPTIONS)
def test_options(options: list[tuple[str, str]]) -> None:
    args = [part for pair in options for part in pair]
    done = footprint("estimate", "--model", "bert-base", "--hw", "v100:8", *args)
    assert done.code in (0, 2, 3), (args, done.err)
    assert "Traceback" not in done.err
    assert "our own fault" not in done.err


@pytest.mark.slow
@SETTINGS
@given(model=st.text(max_size=20), hw=st.text(max_size=20))
def test_names(model: str, hw: str) -> None:
    for args in (("--model", model, "--hw", "v100:8"), ("--model", "bert-base", "--hw", hw)):
        done = footprint("estimate", *args)
        assert done.code in (0, 2), (args, done.err)


@pytest.mark.slow
@SETTINGS
@given(tokens=st.floats(1e3, 1e16), count=st.integers(1, 100_000), pue=st.floats(1, 3))
def test_every_answer_is_finite_and_ordered(tokens: float, count: int, pue: float) -> None:
    from footprint.errors import FootprintError
    from footprint.estimator import estimate
    from footprint.results import Quantity

    try:
        result = estimate(
            model="gpt2", hw=f"a100:{count}", tokens=tokens, seq_len=1024, batch_size=100_000, pue=pue
        )
    except FootprintError:
        return
    for name in ("duration_h", "energy_kwh", "co2e_kg", "cost_usd", "it_power_w"):
        quantity = getattr(result, name)
        assert isinstance(quantity, Quantity)
        assert 0 < quantity.low <= quantity.mid <= quantity.high < math.inf
