"""The task board: tasks and queues in the pages of Django's admin."""
