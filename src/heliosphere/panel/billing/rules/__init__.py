"""Pure rules of money. Preview and invoice are the same functions."""
