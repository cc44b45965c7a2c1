"""The send: a record and a message, under way together."""
