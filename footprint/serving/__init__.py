"""Serving: what a request to a trained model costs."""

from footprint.serving.answer import inference
from footprint.serving.request import InferenceRequest

__all__ = ["InferenceRequest", "inference"]
