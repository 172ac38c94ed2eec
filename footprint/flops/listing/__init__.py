"""Operation lists as files: what `footprint trace` writes, and every command reads like a config."""
