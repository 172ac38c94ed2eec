"""A sweep as a summary, a picture, and a file that is written part by part."""
