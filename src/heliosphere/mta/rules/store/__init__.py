"""The vpopmail tree in rules: flags, names, quotas, .qmail files, where an address leads."""
