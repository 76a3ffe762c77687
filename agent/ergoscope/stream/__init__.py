"""From the training process to the sidecar: shared memory, what goes in, what is given up first."""
