"""What ``track()`` was asked for, checked, and what a supervisor changes of it."""
