"""From journals to the totals of a process, a launch and a run."""
