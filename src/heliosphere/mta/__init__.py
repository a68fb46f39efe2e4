"""The mail engine: SMTP in, queue, delivery, POP3, the vpopmail tree. Knows no panel and no database."""
