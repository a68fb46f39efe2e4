"""Whole programs under hard conditions: killed, raced, cut off from their database or broker."""
