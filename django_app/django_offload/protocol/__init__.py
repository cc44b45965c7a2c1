"""The protocol, pure: what is enqueued, what travels, what is kept, and what may become of it."""
