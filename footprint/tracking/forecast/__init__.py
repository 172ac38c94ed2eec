"""Where a run will end, and the line on the terminal that shows it."""
