"""AWS on this machine: moto's server, and the parts of AWS that moto lacks."""
