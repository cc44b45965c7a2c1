"""The board: tasks and queues as staff sees them, in the pages of Django's admin."""
