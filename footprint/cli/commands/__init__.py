"""The commands: each file is one, found by its name; its first line is its help in the list."""
