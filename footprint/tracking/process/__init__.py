"""Which process this is, and what may end it: identity, signals, forks, waits that a signal may cut short."""
