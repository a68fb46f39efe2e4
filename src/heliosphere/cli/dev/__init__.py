"""Tools for those who develop Heliosphere."""
