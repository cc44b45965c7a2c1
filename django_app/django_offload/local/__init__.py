"""AWS on this machine: moto's server, and what moto leaves out: mappings, schedules, functions that run."""
