"""The commands: each file is one command; the first line of its docstring is its line in the help."""
