"""The journal: its lines, its writer, its reader, and a look at those of the other ranks."""
