"""Texts of catalogue records, FLOPs, measured runs and reports of many runs."""
