"""What goes on beside the training: counts, the meter, the journal."""
