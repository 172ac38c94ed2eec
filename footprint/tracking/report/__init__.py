"""From totals to a measurement, a comparison and CSV rows; archives of finished runs."""
