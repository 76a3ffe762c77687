"""What is found by running the job's own loss once more, beside training."""
