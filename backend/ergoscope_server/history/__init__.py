"""A run's history: what was decided so far, and playing what is new."""
