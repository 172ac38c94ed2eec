"""From the energy and hours of a run to CO2e and USD; the one door to the estimator."""
