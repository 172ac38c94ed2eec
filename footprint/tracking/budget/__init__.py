"""Budgets: what is used, the warning, and the stop that all ranks make at the same step."""
