"""The views of the reference app, one module for each kind of work."""
