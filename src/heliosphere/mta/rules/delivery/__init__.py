"""What happens after 250: retries, outcomes, bounces."""
