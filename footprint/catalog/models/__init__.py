"""Models by name or file, with their published recipes."""

from footprint.catalog.models.find import all_models, find_model, model_ids, models_folder

__all__ = ["all_models", "find_model", "model_ids", "models_folder"]
