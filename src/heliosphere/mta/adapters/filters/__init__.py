"""clamd, spamd and plugins."""
