"""Composition roots: read controls, build adapters, run."""
