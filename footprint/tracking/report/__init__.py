"""From journals to a measurement: energy, the chain after it, the comparison, the rows that are written."""
