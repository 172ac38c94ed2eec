"""Reading a model config, and what a family asks of it and of the step."""
