"""The rules of the protocol, without I/O and without a clock."""
