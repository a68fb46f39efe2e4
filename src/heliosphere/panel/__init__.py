"""The control panel: a Django project that sells and bills, and queues the work nodes do."""
