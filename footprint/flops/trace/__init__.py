"""Any PyTorch module as an operation list: what it multiplies, seen while it runs on tensors without data."""
