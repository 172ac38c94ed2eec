"""The run that a training loop holds, and the program that supervises another."""
