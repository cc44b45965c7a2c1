"""Notes of a sample site."""
