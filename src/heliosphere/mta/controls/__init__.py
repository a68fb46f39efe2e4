"""What an operator can set: one declaration per control, and the values derived from them."""
