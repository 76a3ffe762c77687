"""How a job begins and ends: the process, its signals, its exits, its notebook, its sidecar."""
