"""From the working tree to a running site: the package, the stack, its releases, the web side."""
