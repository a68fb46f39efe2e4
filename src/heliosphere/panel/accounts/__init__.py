"""Providers, people and their accounts; who may do what; sign-in."""
