"""Rules over what a run does, their state over time, and who is told."""
