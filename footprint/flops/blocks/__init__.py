"""Parts of which families build operation lists: attention, MLPs, stacks, whole encoders and decoders."""
