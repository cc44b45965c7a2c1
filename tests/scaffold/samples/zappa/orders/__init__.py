"""Orders of a sample site."""
