"""An account as a whole: opening it with all its services, suspending and resuming it."""
