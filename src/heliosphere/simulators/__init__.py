"""Stand-ins for outside parties (payment gateways, registrars) that misbehave on demand."""
