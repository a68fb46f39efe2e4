"""One machine's house: what runs, from which configuration, started and stopped together.

Standard library only outside `certificate.py`: the supervisor stays in memory for as long as the house does.
"""
