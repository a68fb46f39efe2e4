"""Composition roots of the panel: they own the clock and the process."""
