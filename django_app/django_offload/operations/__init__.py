"""What the web, commands and workers do to a record."""
