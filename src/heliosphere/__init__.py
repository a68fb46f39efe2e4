"""Heliosphere: sells, bills, provisions and runs hosting. See docs/where-things-go.md."""

__version__ = "0.1.0"
