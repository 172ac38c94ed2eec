"""The time and the memory of one step on one layout: the formulas and the numbers they rest on."""
