"""The table of effects that have happened, which context.atomic() needs so that each happens once."""
