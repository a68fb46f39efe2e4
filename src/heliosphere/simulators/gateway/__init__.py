"""A card gateway: payment pages, authorise, capture, void. No real money. See docs/simulators.md."""
