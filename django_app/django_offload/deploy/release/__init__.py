"""A deployment: the package to its bucket, the stack, the migrations and the web side."""
