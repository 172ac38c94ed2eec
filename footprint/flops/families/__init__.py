"""One module per model family; `footprint.flops.registry` finds them by ``MODEL_TYPES``."""
