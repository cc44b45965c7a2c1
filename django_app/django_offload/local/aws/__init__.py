"""AWS on this machine: what moto serves, and what moto leaves out."""
