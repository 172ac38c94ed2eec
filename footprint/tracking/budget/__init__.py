"""Limits that a run was given: what is used, what was used before, and the stop that ranks agree on."""
