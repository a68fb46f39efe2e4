"""Composition roots of the agent: read the configuration, build, run."""
