"""What is said afterwards: the report CSV and the texts and files made from results."""

"""What is made of results: text, CSV, plots, files."""
