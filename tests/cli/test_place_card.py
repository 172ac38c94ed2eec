"""What `footprint regions show` says of a place beside its carbon intensity."""

import json
import re

import pytest

from tests.cli.run import footprint


def test_a_place_says_its_water_on_site_and_at_power_stations() -> None:
    """AWS' figure of its region, and Reig et al. 2020, appendix: 2.312704 litres per kWh in Virginia."""
    (row,) = json.loads(footprint("regions", "show", "aws:us-east-1", "--format", "json").out)["rows"]
    assert row["water"]["on_site_l_per_kwh"]["mid"] == 0.06
    assert row["water"]["off_site_l_per_kwh"]["mid"] == pytest.approx(2.312704)
    shown = footprint("regions", "show", "aws:us-east-1").out
    assert re.search(r"water on site +0\.0600 l/kWh .* of IT energy", shown)
    assert re.search(r"water off site +2\.31 l/kWh .* of electricity, at power stations", shown)
    assert "water on site" not in footprint("regions", "show", "FRA").out
