"""A small real model, trained while it is measured: what the tool does, shown in two minutes."""
