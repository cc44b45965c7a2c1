"""What AWS invokes: a door per function, without logic."""
