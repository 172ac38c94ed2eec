"""Programs that fit the shipped constants and write them into the data; the wheel does not include them."""
