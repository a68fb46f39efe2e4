"""What the agent does with drivers: run jobs, report state."""
