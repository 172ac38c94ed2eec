"""Look up accelerators, models, places and prices by name; read and check their files."""
