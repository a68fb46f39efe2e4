"""Domain names: what is a valid one, whose it is."""
