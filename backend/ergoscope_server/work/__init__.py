"""What is done with batches once they are durable, and how several workers share it."""
