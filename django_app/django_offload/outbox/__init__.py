"""The transactional outbox: a task that was enqueued in a transaction survives a crash after the commit."""
