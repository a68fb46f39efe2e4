"""Sockets: who connects to us, whom we call."""
