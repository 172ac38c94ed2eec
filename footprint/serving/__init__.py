"""Serving: what a request to a trained model costs."""
