"""Text, CSV, plots and files made from results."""
