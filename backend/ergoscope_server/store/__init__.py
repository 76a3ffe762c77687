"""Where everything is kept: arrival log, chunks and pyramid, runs, verdicts and alerts."""
