"""What happens after each flush: forecast, budget, progress line, callback."""
