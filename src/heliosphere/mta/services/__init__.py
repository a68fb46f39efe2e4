"""Use cases of the mail engine, written against ports."""
