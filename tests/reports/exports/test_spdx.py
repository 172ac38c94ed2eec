"""SPDX 3.0.1: read and checked by SPDX's own Python bindings, which need no network."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reports.exports.records import RECORDS, estimated, exported, nasty

spdx = pytest.importorskip("spdx_python_model")


def packages(values: Any) -> list[Any]:
    """The AI packages of a document after the bindings have read it and checked every element."""
    model, objects = spdx.load_data(values)
    model.JSONLDSerializer().serialize_data(objects)  # asks each element for what it needs
    return list(objects.foreach_type(model.ai_AIPackage))


@pytest.mark.parametrize("kind", RECORDS)
def test_the_bindings_read_it(kind: str) -> None:
    record = RECORDS[kind]()
    (package,) = packages(exported("spdx-3.0.1", record))
    (energy,) = package.ai_energyConsumption.ai_trainingEnergyConsumption
    assert str(energy.ai_energyUnit).endswith("kilowattHour")
    assert float(energy.ai_energyQuantity) == pytest.approx(record["energy_kwh"]["mid"], rel=1e-12)


def test_a_fine_tuning_is_where_it_belongs() -> None:
    record = estimated()
    record["workload"]["method"] = "lora"
    (package,) = packages(exported("spdx-3.0.1", record))
    assert len(package.ai_energyConsumption.ai_finetuningEnergyConsumption) == 1


def test_a_small_energy_is_no_power_of_ten() -> None:
    record = estimated()
    record["total"]["energy_kwh"] = {"mid": 4.2e-7}
    package = exported("spdx-3.0.1", record)["@graph"][-1]
    (energy,) = package["ai_energyConsumption"]["ai_trainingEnergyConsumption"]
    assert energy["ai_energyQuantity"] == "0.00000042"


def test_names_of_strangers_can_be_read() -> None:
    assert packages(exported("spdx-3.0.1", nasty()))


def consumption(**fields: str) -> dict[str, Any]:
    described = {"type": "ai_EnergyConsumptionDescription", **fields}
    return {"type": "ai_EnergyConsumption", "ai_trainingEnergyConsumption": [described]}


@pytest.mark.parametrize(
    ("at", "change"),
    [
        (-1, {"ai_energyConsumption": consumption(ai_energyQuantity="1.0")}),
        (-1, {"ai_energyConsumption": consumption(ai_energyQuantity="1.0", ai_energyUnit="Wh")}),
        (0, {"created": "yesterday"}),
        (0, {"createdBy": []}),
        (-1, {"software_primaryPurpose": "a model"}),
        (-1, {"ai_energy": 3}),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused(at: int, change: dict[str, Any]) -> None:
    values = exported("spdx-3.0.1", estimated())
    values["@graph"][at] |= change
    with pytest.raises(Exception, match=r"."):
        packages(values)
