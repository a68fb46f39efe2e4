"""The look: one design system for all doors. Knows no subject; every subject's pages build on it."""
