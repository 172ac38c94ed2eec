"""Plots as PNG, SVG and PDF, drawn by matplotlib."""
