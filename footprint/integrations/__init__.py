"""Adapters to schedulers and frameworks; imported by nobody here."""
