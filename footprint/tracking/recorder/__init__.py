"""What goes on beside the training loop: counts, the meter, the journal lines."""
