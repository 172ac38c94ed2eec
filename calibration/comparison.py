"""Which part of an error two scenarios share, fitted on pairs of published runs and of prices.

    python -m calibration.comparison            # derive, and compare with the shipped file
    python -m calibration.comparison --write    # write reference_data/assumptions/comparison_fitted.toml

Step times: pairs of runs of one source, each predicted without it, layout searched. The variance of the
error of a step time is split into parts that belong to the model, to the chip and precision, and to the rest
of the job (count, batch, layout); what remains is common to all jobs. The error of a ratio has the parts in
which the two jobs differ. Each source weighs the same.

Prices: pairs of chips that one provider rents, relative to each chip's median over providers.
"""

from __future__ import annotations

import argparse
import functools
import math
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from calibration.tables import Fitted, text_of
from footprint.catalog.__main__ import main as write_indices
from footprint.catalog.files import reference_folder
from footprint.catalog.hardware import accelerator_ids
from footprint.catalog.prices.find import ANY_REGION
from footprint.catalog.prices.offers import median, offers_of
from footprint.validation.published.throughput import countable_cases, rows

PATH = reference_folder() / "assumptions" / "comparison_fitted.toml"
COVERAGE = 0.90
PARTS = ("job", "chip", "model")
STEP = 0.05
"""Of the grid on which the shares are searched [1]."""
GRID = round(1 / STEP) + 1
"""Points of the grid for one share."""
MOST_CHIPS = 40


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs of one source."""

    source: str
    differs: frozenset[str]
    """The parts in which the two differ, of `PARTS`."""
    scaled: float
    """The error of the ratio over the half-width it would have if nothing were shared [1]."""


@functools.cache
def pairs() -> tuple[Pair, ...]:
    """Every two runs of one source and one release of software."""
    cases = {one.case.id: one.case for one in countable_cases()}
    runs = []
    for row in rows(found=True):
        case = cases[row.id]
        if row.low is None or row.high is None:
            continue
        error = math.log(row.published / row.predicted)
        ends = math.log(row.predicted / row.low), math.log(row.high / row.predicted)
        runs.append((case, error, *ends))
    found = []
    for (a, a_error, a_low, a_high), (b, b_error, b_low, b_high) in combinations(runs, 2):
        if (a.family, a.stack) != (b.family, b.stack):
            continue
        error = a_error - b_error
        half = math.hypot(a_high, b_low) if error > 0 else math.hypot(a_low, b_high)
        differs = {"job"}
        if (a.cluster.accelerator.id, a.precision) != (b.cluster.accelerator.id, b.precision):
            differs.add("chip")
        if a.model != b.model:
            differs.add("model")
        found.append(Pair(a.family, frozenset(differs), abs(error) / half))
    return tuple(found)


def width(shares: Mapping[str, float], differs: Iterable[str]) -> float:
    """Half-width of a ratio over the one it would have if nothing were shared [1]."""
    return math.sqrt(min(1.0, sum(shares[part] for part in differs)))


def coverage(found: Iterable[Pair], shares: Mapping[str, float]) -> dict[frozenset[str], float]:
    """Share of the pairs within the interval of their ratio, by what differs; each source weighs the same."""
    within: dict[frozenset[str], dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for pair in found:
        within[pair.differs][pair.source].append(pair.scaled <= width(shares, pair.differs))
    return {
        differs: sum(sum(hits) / len(hits) for hits in sources.values()) / len(sources)
        for differs, sources in within.items()
    }


def fit(found: Sequence[Pair]) -> dict[str, float]:
    """The shares whose coverage is nearest to 90 % over the kinds of pair, on a grid."""
    return _nearest(_reached(found).values())


Reached = dict[frozenset[str], list[float]]
"""Kind of pair -> share of the pairs within the width of a total of 0, 1, 2, ... steps of the grid."""


def _reached(found: Iterable[Pair]) -> dict[str, Reached]:
    """Source -> what each total of shares would cover of its pairs."""
    scaled: dict[str, dict[frozenset[str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for pair in found:
        scaled[pair.source][pair.differs].append(pair.scaled)
    widths = [math.sqrt(min(1.0, STEP * total)) for total in range(len(PARTS) * GRID)]
    return {
        source: {
            kind: [bisect_right(errors, width) / len(errors) for width in widths]
            for kind, errors in ((kind, sorted(errors)) for kind, errors in kinds.items())
        }
        for source, kinds in scaled.items()
    }


def _nearest(sources: Iterable[Reached]) -> dict[str, float]:
    """The shares whose coverage, as the mean over sources, is nearest to 90 %."""
    by_kind: dict[frozenset[str], list[list[float]]] = defaultdict(list)
    for kinds in sources:
        for kind, reached in kinds.items():
            by_kind[kind].append(reached)
    misses = {
        kind: [(math.fsum(one) / len(one) - COVERAGE) ** 2 for one in zip(*every, strict=True)]
        for kind, every in by_kind.items()
    }
    best, least = dict.fromkeys(PARTS, 1.0), math.inf
    for steps in product(range(GRID), repeat=len(PARTS)):
        if sum(steps) * STEP > 1.0 + 1e-9:
            continue
        of_part = dict(zip(PARTS, steps, strict=True))
        loss = sum(miss[sum(of_part[part] for part in kind)] for kind, miss in misses.items())
        if loss < least - 1e-12:
            best, least = {part: STEP * n for part, n in of_part.items()}, loss
    return best


def without_each(found: Sequence[Pair]) -> Iterator[tuple[str, frozenset[str], int, float]]:
    """Source, what differs, pairs and coverage of each source, with the shares of all other sources."""
    reached = _reached(found)
    for source in sorted(reached):
        own = [pair for pair in found if pair.source == source]
        shares = _nearest(other for name, other in reached.items() if name != source)
        for differs, share in coverage(own, shares).items():
            yield source, differs, sum(pair.differs == differs for pair in own), share


# ----------------------------------------------------------------------------- prices


def price_pairs() -> list[tuple[float, float]]:
    """For every two chips of one provider: log prices over the chips' medians, both on demand."""
    by_provider: dict[str, dict[str, float]] = defaultdict(dict)
    for chip in accelerator_ids():
        prices: dict[str, list[float]] = defaultdict(list)
        for offer in offers_of(chip):
            if offer.purchase == "on_demand":
                prices[offer.provider].append(offer.usd_per_accelerator_h)
        if len(prices) < 3:
            continue
        medians = {provider: median(sorted(values)) for provider, values in prices.items()}
        middle = median(sorted(medians.values()))
        for provider, price in medians.items():
            by_provider[provider][chip] = math.log(price / middle)
    return [
        (one, other)
        for chips in by_provider.values()
        for one, other in combinations([chips[chip] for chip in sorted(chips)][:MOST_CHIPS], 2)
    ]


def price_shared(found: Sequence[tuple[float, float]]) -> float:
    """Share of the variance of a price that two chips of one provider share [1], at least 0."""
    if not found:
        return 0.0
    both = sum(one * other for one, other in found) / len(found)
    each = sum(one**2 + other**2 for one, other in found) / (2 * len(found))
    return max(0.0, both / each)


def region_pairs() -> list[tuple[float, float]]:
    """For every two regions of one provider: log prices of one instance over the regions' medians.

    Within a region the offers of a chip differ in the size of the host. If regions differ in the same way,
    the deviation is one error, which cancels between two regions.
    """
    by_offer: dict[tuple[str, str], dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for chip in accelerator_ids():
        for offer in offers_of(chip, "on_demand"):
            if offer.region != ANY_REGION:
                regions = by_offer[offer.provider, chip]
                regions[offer.region][offer.instance] = offer.usd_per_accelerator_h
    found = []
    for regions in by_offer.values():
        deviations = [
            {name: math.log(price / median(sorted(prices.values()))) for name, price in prices.items()}
            for prices in regions.values()
            if len(set(prices.values())) > 1
        ]
        for one, other in combinations(deviations, 2):
            found += [(one[name], other[name]) for name in one.keys() & other.keys()]
    return found


# ----------------------------------------------------------------------------- file


def render() -> str:
    """The text of the fitted file."""
    found, prices = pairs(), price_pairs()
    shares = fit(found)
    sources = len({pair.source for pair in found})
    note = f"{len(found):,} pairs of {sources} sources, each predicted without its own"
    lines: list[Fitted] = [
        (f"time_{part}", shares[part], shares[part], shares[part], "1", f"{note}; share of the variance")
        for part in PARTS
    ]
    shared = price_shared(prices)
    lines.append(
        ("price_shared", shared, shared, shared, "1", f"{len(prices):,} pairs of chips of one provider")
    )
    head = ("Written by `python -m calibration.comparison --write`; never by hand.",
            "Shares of an error's variance that do not cancel in a ratio, but for price_shared.")  # fmt: skip
    return text_of(head, lines, "published-pairs", 6)


def report() -> Iterator[str]:
    """The coverage of ratios, out of sample: a line for each source and kind of pair."""
    for source, differs, count, reached in without_each(pairs()):
        parts = ", ".join(sorted(differs))
        yield f"{source:<16} differs in {parts:<18} {count:>6,} pairs {100 * reached:6.1f} %"
    regions = region_pairs()
    yield f"price of one host in two regions: {price_shared(regions):.2f} shared, {len(regions):,} pairs"


def main(arguments: list[str] | None = None) -> int:
    """Compare with the shipped file or write it; exit code 1 if they differ."""
    parser = argparse.ArgumentParser(
        prog="python -m calibration.comparison", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--write", action="store_true", help="write the file instead of comparing with it")
    parser.add_argument("--report", action="store_true", help="print the coverage out of sample")
    options = parser.parse_args(arguments)
    if options.report:
        print(*report(), sep="\n")
        return 0
    text = render()
    if options.write:
        PATH.write_text(text, encoding="utf-8")
        write_indices()
        return 0
    same = PATH.read_text(encoding="utf-8") == text
    print("the shipped file is what the data give" if same else "the data give other numbers: --write")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
