"""Result records: quantities with causes, assumptions, estimates, measurements, report rows."""

from footprint.results.assumption import Assumption, chosen_row
from footprint.results.quantity import Quantity, Spread, total

__all__ = ["Assumption", "Quantity", "Spread", "chosen_row", "total"]
