"""Money: charges, ledger, invoices, taxes, payments, gateways. See docs/billing.md."""
