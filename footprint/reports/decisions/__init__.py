"""Texts and plots of decisions."""
