"""The AWS services on this machine: what moto serves, and what moto lacks."""
