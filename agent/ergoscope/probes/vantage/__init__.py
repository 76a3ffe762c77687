"""From where the curvature of a running job can be looked at, and when."""
