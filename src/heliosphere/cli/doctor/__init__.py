"""heliosphere doctor: what is wrong with this machine or house, and the command that mends it."""
