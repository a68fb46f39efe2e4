"""The node agent: takes jobs and applies them on this server through drivers."""
