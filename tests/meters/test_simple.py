"""Meters without an instrument, and how a meter is named."""

import math
import time

import pytest

from footprint.errors import FootprintError
from footprint.meters import meter_from
from footprint.meters.base import Meter
from footprint.meters.simple import ConstantMeter, NullMeter


def test_constant_power_is_power_times_time() -> None:
    meter = meter_from("constant:1.2kW")
    (channel,) = meter.start()
    before = time.monotonic()
    time.sleep(0.2)
    first, elapsed_s = meter.read(), time.monotonic() - before
    assert (channel.component, channel.how) == ("node", "modelled")
    assert first is not None
    assert first.energy_kwh["node"] == pytest.approx(1.2 * elapsed_s / 3600, rel=0.02)  # clock reads differ


@pytest.mark.parametrize(
    "bad",
    [
        "constant:-5W",
        "constant:0W",
        "constant:1e999W",
        "constant:nanW",
        "constant:250",
        "codecarbn",
        "",
        "W" * 999,
    ],
)
def test_a_text_that_names_no_meter_is_an_error(bad: str) -> None:
    with pytest.raises(FootprintError, match="`meter=`: "):
        meter_from(bad)


def test_objects_of_the_protocol_pass_and_others_do_not() -> None:
    mine = ConstantMeter(10.0)
    assert meter_from(mine) is mine
    assert isinstance(meter_from("none"), NullMeter)
    assert isinstance(mine, Meter)
    with pytest.raises(FootprintError, match="start, read and stop"):
        meter_from(object())  # type: ignore[arg-type]


def test_kilowatts_and_watts_agree() -> None:
    one, other = meter_from("constant:250W"), meter_from("constant: 0.25 kW")
    assert isinstance(one, ConstantMeter)
    assert isinstance(other, ConstantMeter)
    assert math.isclose(one.power_w, other.power_w)
