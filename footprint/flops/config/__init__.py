"""Reading and checking of model configs and of the shape of a step."""
