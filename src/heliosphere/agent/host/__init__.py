"""The only code of the agent that touches the machine: files, programs, signals, locks."""
