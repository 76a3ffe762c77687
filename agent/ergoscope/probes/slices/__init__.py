"""Slices of the loss that somebody asked for while the job runs, measured in slots of its time."""
