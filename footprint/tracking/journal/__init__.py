"""The record of truth: one append-only file a process, and what a folder of them says of a run."""
