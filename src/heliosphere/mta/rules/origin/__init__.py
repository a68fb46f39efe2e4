"""Is a message from whom it says? SPF, DKIM, ARC, DMARC and the fields that tell."""
