"""Dates as every page shows them: the day first, the month as a word."""
