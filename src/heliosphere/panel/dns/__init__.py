"""Zones and records as customers want them; name servers get them by jobs."""
