"""The `heliosphere` command: composes the programs and keeps no rules of its own."""
