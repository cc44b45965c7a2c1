"""Keys in the table that tasks have or wait for, and who has one."""
