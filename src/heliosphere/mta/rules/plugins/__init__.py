"""qmail-spp: the table of plugins and what they say."""
