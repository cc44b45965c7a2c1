"""The handlers that AWS invokes: one module per function, without logic."""
