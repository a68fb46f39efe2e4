"""Legal states of a queued message, and the bytes of its envelope files."""
