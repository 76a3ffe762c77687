"""Short real trainings of which it is known how they stand: what the verdict is held against."""
