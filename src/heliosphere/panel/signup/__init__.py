"""From a visitor to an account: the wizard's draft, moderation, payment at the gateway."""
