"""Read a stored record, or change it from outside its task. The web side, commands and workers use it."""
