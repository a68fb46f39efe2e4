"""One file per component of the house; `registry.py` lists them in no particular order."""
