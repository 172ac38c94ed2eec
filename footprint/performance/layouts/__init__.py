"""How a job is split over chips: layouts, which are tried, and the one that people would choose."""
