"""Adapters to schedulers and training frameworks; no other module of the package imports them."""
