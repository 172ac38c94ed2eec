"""What a training program holds (`Run`), and ``footprint run`` around a program that cannot be changed."""
