"""Real training, small enough for a laptop, to watch live: digits, text, and a run that blows up."""
