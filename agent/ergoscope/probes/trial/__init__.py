"""What a step does to a batch that stays the same, and what the loss of that batch is around it."""
