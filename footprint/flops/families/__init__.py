"""One module a model family; `footprint.flops.registry` finds them by ``MODEL_TYPES``."""
