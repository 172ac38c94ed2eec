"""What families build their operation lists from: attention, MLPs, stacks, whole encoders and decoders."""
