"""Template tags: {% load look %}."""
