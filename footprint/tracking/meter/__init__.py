"""Reading a meter on a thread of its own, and the ledger of what counts."""
