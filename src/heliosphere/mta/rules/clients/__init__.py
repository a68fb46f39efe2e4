"""Who is connected: rules by address, DNS lists, greylisting, TLS versions."""
