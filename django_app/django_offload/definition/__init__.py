"""What a task is: its options, its context, its name, its result, and when it is tried again."""
