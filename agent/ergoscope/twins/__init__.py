"""Twin runs: one training script, run again with equal randomness and a few training examples replaced."""
