"""FLOPs counted by torch: to check the formulas, and to count model types without a family."""
