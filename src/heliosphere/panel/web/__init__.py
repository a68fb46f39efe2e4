"""Web sites as customers want them; web servers get them by jobs."""
