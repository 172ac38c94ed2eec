"""What one run was asked for, checked before it starts, and the hardware that is found here."""
