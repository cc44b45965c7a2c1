"""Functions on this machine: by whom they are invoked, and the processes that run them."""
