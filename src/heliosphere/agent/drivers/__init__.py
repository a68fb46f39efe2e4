"""One file per kind of thing a node can hold. A driver looks, plans, acts and undoes."""
