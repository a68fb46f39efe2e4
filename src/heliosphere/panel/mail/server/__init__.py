"""Mail servers as the panel sees them: their settings, and questions about the sessions they had."""
