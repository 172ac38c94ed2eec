"""Where a run will end."""
