"""Markers of effects that happen once: what context.atomic() needs in the database."""
