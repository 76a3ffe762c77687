"""Live fan-out: notices from writers to readers."""
