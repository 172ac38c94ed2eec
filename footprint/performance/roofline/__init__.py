"""Formulas and constants for the time and the memory of one step on one layout."""
