"""What a measurement says of accelerators that the run names and this machine does not have.

They are in no total: a meter could not read them, and a modelled amount would look like a measured one.
A meter that did read accelerators, or the power of the node, proves that there are some.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from footprint.estimator.run import flop_summary, model_summary
from footprint.results.human import amount
from footprint.results.measurement import MeterSummary
from footprint.tracking.chain.run_chain import RunModel, is_absent
from footprint.tracking.totals.run_totals import RunTotals

PROOF = ("accelerators", "node")


def is_left_out(totals: RunTotals) -> bool:
    """Whether the named hardware is neither found, nor read, nor asked to be modelled."""
    return is_absent(totals.given) and not _is_read(totals)


def _is_read(totals: RunTotals) -> bool:
    return any(name in totals.components and totals.components[name].kwh > 0 for name in PROOF)


def notes(totals: RunTotals) -> Sequence[str]:
    """The warning of a measurement whose hardware is not on the machine."""
    if totals.given.get("hw_found") is not False or _is_read(totals):
        return ()
    hw = totals.given.get("hw")
    if is_left_out(totals):
        what = (
            "it was not metered, and its energy, CO2e and price are in no total "
            "(`absent_hardware='model'` adds what the power model says)"
        )
    else:
        what = "its energy, CO2e and price are modelled, as `absent_hardware='model'` asks"
    return (f"{hw} not found here: {what}",)


def meter_of(model: RunModel, totals: RunTotals) -> MeterSummary:
    """How the accelerators that are left out are labelled, with what the power model says of them."""
    modelled = model.outcome.components_kwh["accelerators"]
    beside = "" if modelled is None else f" (modelled: {amount(modelled.mid, 'kwh')}, in no total)"
    return MeterSummary(
        component="accelerators", how="absent", source=f"{totals.given['hw']} not found here{beside}"
    )


def name_of(model: RunModel, totals: RunTotals) -> str:
    """The name of a measurement on other hardware than the one that was named."""
    trained = model.facts.model
    return f"{trained.id if trained else 'run'} ({totals.given['hw']} not found here)"


def of_model(model: RunModel) -> dict[str, Any]:
    """What is known of the model on any hardware."""
    return {"model": model_summary(model.facts), "flop": flop_summary(model.facts, model.prediction.layout)}
