"""Every look-up is made in the first room: prediction and arithmetic enter no function of the catalogue."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from footprint.estimator.chain import chain
from footprint.estimator.predict import predict_run
from footprint.estimator.prediction import device_memory
from footprint.estimator.request import EstimateRequest
from footprint.estimator.rooms import facts_of

REQUESTS: list[dict[str, Any]] = [
    {"model": "bert-base", "hw": "v100:8"},
    {"model": "gpt2-xl", "hw": "h100:64", "tokens": 1e10, "region": "FRA", "purchase": "spot"},
    {"model": "llama2-7b", "hw": "a100:64", "tokens": 1e10, "stack": "native", "mfu": 0.3},
    {"model": "llama2-7b", "hw": "v100-sxm2-16gb:8", "tokens": 1e9, "force": True},
    {"model": "deepseek-v3", "hw": "h800:2048", "hours": 1000.0},
    {"model": "resnet50", "hw": "rtx4090:2", "samples": 1e6, "batch_size": 256},
    {"model": "gpt2", "hw": "xeon-8380:2", "tokens": 1e8},
    {"parameters": 1.5e9, "tokens": 3e10, "hw": "h100:8"},
    {"hw": "h100:8", "hours": 10.0, "capital_usd": 3e4, "electricity_usd_per_kwh": 0.1},
]


def catalogue_calls(work: Callable[[], Any]) -> tuple[Any, set[str]]:
    """What work returns, and the functions of the catalogue that it enters, whatever they keep."""
    for name, module in list(sys.modules.items()):
        if name.startswith("footprint.catalog"):
            for one in vars(module).values():
                getattr(one, "cache_clear", lambda: None)()
    entered: set[str] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith("footprint.catalog"):
            entered.add(f"{module}.{frame.f_code.co_name}")

    earlier = sys.getprofile()
    sys.setprofile(note)
    try:
        return work(), entered
    finally:
        sys.setprofile(earlier)


@pytest.mark.parametrize("fields", REQUESTS, ids=lambda fields: " ".join(map(str, fields.values())))
def test_only_the_first_room_looks_things_up(fields: dict[str, Any]) -> None:
    request = EstimateRequest.from_mapping(fields, "test")
    facts, looked_up = catalogue_calls(lambda: facts_of(request))
    assert "footprint.catalog.assumptions.assumed" in looked_up

    def later() -> None:
        prediction = predict_run(facts)
        device_memory(facts, prediction.layouts)
        chain(facts, prediction)

    later()  # modules that are imported late
    assert catalogue_calls(later)[1] == set()
