"""Bytes and lines of each protocol and file format, without sockets or files."""
