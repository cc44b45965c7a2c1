"""One command: AWS on this machine, the site, and code that reloads."""
