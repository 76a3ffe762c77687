"""The way in: decode, check, store, acknowledge."""
