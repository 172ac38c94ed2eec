"""Published data to compare with: one file a data set, or a kind of them."""
