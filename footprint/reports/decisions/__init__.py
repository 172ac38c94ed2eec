"""Answers of `footprint.decisions`, as text, as rows and as plots."""
