"""What is done with the content of a message: attachment filters, scans and each recipient's wishes. Pure."""
