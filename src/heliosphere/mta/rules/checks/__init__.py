"""The checks of an SMTP session, one ordered table for each verb (see order.py)."""
