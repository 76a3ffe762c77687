"""Numbers in, numbers out: what the probes compute with."""
