"""What is checked of a file that a user or a stranger wrote."""
