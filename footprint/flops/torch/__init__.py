"""FLOPs counted by torch itself: the check of our formulas, and the way in for types without a family."""
