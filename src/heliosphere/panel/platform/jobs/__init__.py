"""Work that happens after a write: rows first (the truth), then a worker or a node. See docs/jobs.md."""
