"""Django settings: base (what is the same everywhere), runtime (from the panel.json of a house), testing."""
