"""This process and its machine: who it is, whether it lives, its signals, its forks, its hardware."""
