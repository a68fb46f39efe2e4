"""What is sold: resource types, plans, periods, prices."""
