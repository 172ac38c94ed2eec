"""The age of the data, and the program that brings newer tables into it."""
