"""The vpopmail tree, Maildirs, the queue and the greylist on disk."""
