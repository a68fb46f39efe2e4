"""What Dovecot needs to serve IMAP over the same tree and passwords."""
