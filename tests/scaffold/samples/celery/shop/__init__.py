"""A sample site."""
