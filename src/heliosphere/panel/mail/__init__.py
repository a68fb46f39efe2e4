"""Mail domains and mailboxes as customers want them; mail servers get them by jobs."""
