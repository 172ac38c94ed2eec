"""The rules by which offers become a price, on offers of our own making; and wishes nobody can meet."""

from __future__ import annotations

import csv
import io
import statistics
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footprint.catalog.assumptions import assumed
from footprint.catalog.prices import find_price, find_provider, interruption_factor
from footprint.catalog.prices import offers as rules
from footprint.catalog.prices.offer import PriceOffer
from footprint.errors import FootprintError, MissingFactError, UnknownNameError

COLUMNS = [
    "provider", "accelerator", "region", "purchase", "usd_per_accelerator_h", "scope", "instance",
    "accelerators_per_instance", "dated", "source", "basis", "note",
]  # fmt: skip


def offer(**changes: object) -> PriceOffer:
    """An offer of our own making; tests name what matters to them."""
    plain = PriceOffer(
        provider="aws", accelerator="h100", region="r1", purchase="on_demand", usd_per_accelerator_h=1.0,
        scope="instance", instance="i", accelerators_per_instance=8.0, dated="2026-01-01", source="s",
        basis="datasheet",
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch):
    """Put offers of our own in the place of the shipped ones."""

    def fill(*offers: PriceOffer) -> None:
        file = io.StringIO()
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows({name: getattr(row, name) for name in COLUMNS} for row in offers)
        monkeypatch.setattr(rules, "_text", file.getvalue)
        forget()

    def forget() -> None:
        for cached in (rules.shipped_offers, rules.offers_of, rules.sellers, rules.data_date, rules._indexed):
            cached.cache_clear()

    yield fill
    monkeypatch.undo()
    forget()


def test_an_offer_of_24_months_counts_and_an_older_one_does_not(shop) -> None:
    shop(
        offer(provider="gcp", dated="2026-07-15", usd_per_accelerator_h=3.0),
        offer(provider="aws", dated="2024-07-15", usd_per_accelerator_h=1.0),
        offer(provider="azure", dated="2024-07-14", usd_per_accelerator_h=100.0),
        offer(provider="lambda", dated="2024", usd_per_accelerator_h=100.0),
        offer(provider="vast", dated="2024-07", usd_per_accelerator_h=100.0),
    )
    quote = find_price("h100")
    assert (quote.usd_per_accelerator_h.mid, quote.providers, quote.oldest) == (2.0, 2, "2024-07-15")
    assert quote.warnings == ()


def test_only_older_offers_are_used_with_a_warning(shop) -> None:
    shop(offer(accelerator="k80", dated="2020-01-01", usd_per_accelerator_h=2.0), offer(dated="2026-01-01"))
    quote = find_price("k80")
    assert quote.usd_per_accelerator_h.mid == 2.0
    assert "24 months" in quote.warnings[0]
    assert "2020-01-01" in quote.warnings[0]


def test_a_superseded_offer_leaves_when_a_newer_exists_for_its_provider_and_region(shop) -> None:
    shop(
        offer(dated="2025-05-01", usd_per_accelerator_h=12.29),
        offer(dated="2026-01-01", usd_per_accelerator_h=6.88),
        offer(dated="2025-05-01", usd_per_accelerator_h=9.0, region="r2"),
    )
    quote = find_price("h100", provider="aws")
    assert quote.usd_per_accelerator_h.mid == pytest.approx((6.88 + 9.0) / 2)
    assert find_price("h100", provider="aws", region="r1").usd_per_accelerator_h.mid == 6.88


def test_scopes_are_never_mixed(shop) -> None:
    bare = offer(provider="gcp", scope="accelerator_only", usd_per_accelerator_h=1.0)
    shop(bare, offer(provider="aws", usd_per_accelerator_h=3.0))
    quote = find_price("h100")
    assert (quote.usd_per_accelerator_h.mid, quote.providers) == (3.0, 1)
    assert quote.warnings == ()
    quote = find_price("h100", provider="gcp")
    assert quote.usd_per_accelerator_h.mid == 1.0
    assert "host" in quote.warnings[0]
    # an old whole instance does not push out a current bare accelerator, and is not mixed with it either
    shop(
        replace(bare, dated="2026-01-01"),
        offer(provider="aws", dated="2019-01-01", usd_per_accelerator_h=3.0),
    )
    quote = find_price("h100")
    assert (quote.usd_per_accelerator_h.mid, quote.providers) == (1.0, 1)


def test_a_host_heavy_size_is_not_a_price_of_the_chip(shop) -> None:
    shop(
        offer(instance="g4dn.xlarge", accelerators_per_instance=1.0, usd_per_accelerator_h=0.526),
        offer(instance="g4dn.16xlarge", accelerators_per_instance=1.0, usd_per_accelerator_h=4.352),
        offer(instance="g4dn.12xlarge", accelerators_per_instance=4.0, usd_per_accelerator_h=0.978),
    )
    quote = find_price("h100", provider="aws")
    assert quote.offers == 2
    assert quote.usd_per_accelerator_h.mid == pytest.approx((0.526 + 0.978) / 2)
    assert (quote.usd_per_accelerator_h.low, quote.usd_per_accelerator_h.high) == (
        pytest.approx(0.526),
        pytest.approx(0.978),
    )


def test_each_provider_has_one_vote(shop) -> None:
    many = [offer(region=f"r{i}", usd_per_accelerator_h=10.0 + i) for i in range(21)]
    shop(
        *many,
        offer(provider="lambda", usd_per_accelerator_h=2.0),
        offer(provider="vast", usd_per_accelerator_h=1.0),
    )
    quote = find_price("h100")
    assert quote.usd_per_accelerator_h.mid == 2.0  # the median of 20, 2 and 1
    assert (quote.usd_per_accelerator_h.low, quote.usd_per_accelerator_h.high) == (
        pytest.approx(1.0),
        pytest.approx(20.0),
    )


def test_the_only_seller_of_a_chip_is_not_widened_by_others(shop) -> None:
    shop(
        offer(provider="gcp", accelerator="tpu-v5e", usd_per_accelerator_h=1.2),
        offer(provider="gcp", accelerator="tpu-v5e", region="r2", usd_per_accelerator_h=1.5),
        offer(provider="gcp", usd_per_accelerator_h=1.2),
    )
    tpu, gpu = find_price("tpu-v5e"), find_price("h100")
    assert (tpu.usd_per_accelerator_h.low, tpu.usd_per_accelerator_h.high) == (
        pytest.approx(1.2),
        pytest.approx(1.5),
    )
    factor = assumed("prices.one_provider_factor")
    assert gpu.usd_per_accelerator_h.low == pytest.approx(1.2 * factor.low)
    assert gpu.usd_per_accelerator_h.high == pytest.approx(1.2 * factor.high)
    assert "widened" in gpu.interval


def test_year_takes_that_year_or_names_the_nearest(shop) -> None:
    shop(
        offer(dated="2020-02-02", usd_per_accelerator_h=5.0),
        offer(dated="2024", usd_per_accelerator_h=3.0),
        offer(),
    )
    assert find_price("h100", year=2020).usd_per_accelerator_h.mid == 5.0
    assert find_price("h100", year=2020).warnings == ()
    assert find_price("h100", year=2024).usd_per_accelerator_h.mid == 3.0
    for asked, used, price in (
        (1999, "2020", 5.0),
        (2021, "2020", 5.0),
        (2022, "2024", 3.0),
        (2099, "2026", 1.0),
    ):
        quote = find_price("h100", year=asked)
        assert quote.usd_per_accelerator_h.mid == price
        assert str(asked) in quote.warnings[0]
        assert used in quote.warnings[0]


def test_a_dear_reservation_says_so(shop) -> None:
    shop(
        offer(provider="gcp", purchase="reserved_1y", usd_per_accelerator_h=9.0),
        offer(provider="gcp", usd_per_accelerator_h=11.0),
        offer(provider="lambda", usd_per_accelerator_h=3.0),
        offer(provider="vast", usd_per_accelerator_h=2.0),
    )
    warning = find_price("h100", purchase="reserved_1y").warnings[0]
    assert "gcp" in warning
    assert "3.00" in warning
    assert find_price("h100", purchase="reserved_1y", provider="gcp").warnings == ()


def test_causes_name_the_purchase_and_the_provider(shop) -> None:
    shop(
        offer(),
        offer(region="r2", usd_per_accelerator_h=2.0),
        offer(provider="gcp", usd_per_accelerator_h=4.0),
    )
    assert set(find_price("h100").usd_per_accelerator_h.spread) == {"price:on_demand:all"}
    assert set(find_price("h100", provider="aws").usd_per_accelerator_h.spread) == {"price:aws:on_demand"}


def test_one_global_list_price_holds_in_every_region_of_a_named_provider(shop) -> None:
    shop(
        offer(provider="lambda", region="global", usd_per_accelerator_h=2.0),
        offer(region="us-east-1", usd_per_accelerator_h=3.0),
    )
    assert find_price("h100", provider="lambda", region="us-west-1").usd_per_accelerator_h.mid == 2.0
    assert find_price("h100", region="US-EAST-1").usd_per_accelerator_h.mid == 3.0
    with pytest.raises(UnknownNameError, match="us-east-1"):
        find_price("h100", provider="aws", region="us-east-7")


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=30), st.floats(0, 1))
def test_percentile_is_numpys_linear_one(values: list[float], share: float) -> None:
    assert rules.percentile(values, share) == pytest.approx(
        float(np.percentile(values, 100 * share)), rel=1e-9
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.01, 100)), min_size=1, max_size=20))
def test_provider_medians_are_the_medians_of_each(pairs: list[tuple[str, float]]) -> None:
    found = rules.provider_medians(
        [offer(provider=name, usd_per_accelerator_h=price) for name, price in pairs]
    )
    expected = {name: statistics.median(p for n, p in pairs if n == name) for name, _ in pairs}
    assert found == expected


# --- names and wishes that cannot be met ---------------------------------------------------------

HOSTILE = ["", "  ", "é" * 500, "../../etc/passwd", "a\x00b", "$(rm)", "aws; drop", "\n", "🦜", "-1", "nan"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_one_clear_error(name: str) -> None:
    for ask in (
        lambda: find_price(name),
        lambda: find_price("h100-sxm5-80gb", provider=name),
        lambda: find_price("h100-sxm5-80gb", purchase=name),
        lambda: find_price("h100-sxm5-80gb", region=name),
        lambda: find_price("h100-sxm5-80gb", provider="aws", region=name),
        lambda: interruption_factor(name),
    ):
        with pytest.raises(FootprintError) as error:
            ask()
        assert len(str(error.value)) < 400


def test_providers_go_by_their_other_names() -> None:
    for name, expected in (
        ("Google Cloud", "gcp"),
        ("AMAZON", "aws"),
        ("datacrunch", "verda"),
        ("Lambda_Labs", "lambda"),
        ("oci", "oracle"),
    ):
        assert find_provider(name) == expected
    with pytest.raises(UnknownNameError, match="runpod"):
        find_provider("runpodd")


def test_what_is_missing_names_what_comes_nearest() -> None:
    with pytest.raises(MissingFactError, match=r"`usd_per_hour=`.*mi300x|mi300x.*`usd_per_hour=`"):
        find_price("mi300a")
    with pytest.raises(MissingFactError, match="spot"):
        find_price("v100-sxm2-16gb", purchase="spot", provider="lambda")
    with pytest.raises(MissingFactError, match=r"on_demand.*`purchase=`"):
        find_price("rtx4090", purchase="reserved_3y")
    with pytest.raises(MissingFactError, match="gcp"):
        find_price("tpu-v4", provider="aws")


def test_only_spot_runs_are_lengthened() -> None:
    for purchase in ("on_demand", "reserved_1y", "reserved_3y"):
        assert interruption_factor(purchase) == (interruption_factor("on_demand")[0], None)
        assert interruption_factor(purchase)[0].mid == 1.0
    factor, row = interruption_factor("spot")
    assert row is not None
    assert (row.value, row.basis) == (factor.mid, "assumed")
    # arXiv:1911.05160: overhead under 3 % at best; Bamboo (NSDI '23): plain checkpointing lost over half.
    assert (factor.low, factor.high) == (pytest.approx(1.03), pytest.approx(2.0))
