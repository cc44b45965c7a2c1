"""Lambda on this machine: the interfaces that invoke functions, and the processes that run them."""
