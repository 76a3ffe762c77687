"""What the training calls by itself, listened to: clipping, forward passes, pieces of a gradient."""
