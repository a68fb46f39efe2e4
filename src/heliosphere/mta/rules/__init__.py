"""Decisions on plain values: no clock, socket, file, database or log."""
