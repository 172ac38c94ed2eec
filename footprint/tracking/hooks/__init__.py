"""Steps of a program that knows nothing of footprint, counted under ``footprint run`` by torch's hooks."""
