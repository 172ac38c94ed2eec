"""Derivations from an operation list: gradients, training methods, sums, and valid splits."""
