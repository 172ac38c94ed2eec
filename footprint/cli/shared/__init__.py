"""Shared parts of the commands: option types, scenario options, formats, catalogues."""
