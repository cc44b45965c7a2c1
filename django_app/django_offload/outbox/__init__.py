"""The transactional outbox: tasks enqueued in a transaction survive a crash right after its commit."""
