"""What is derived from a list of operations: gradients, training methods, sums, and what can be split."""
