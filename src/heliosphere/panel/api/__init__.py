"""The REST API: the same verbs as the screens, as JSON. See docs/api.md."""
