"""What every other app stands on: errors, audit, jobs, clock, tenancy, money, registries, navigation."""
