"""Records of the commands that decide: plans, serving, stages of an alignment, searches."""
