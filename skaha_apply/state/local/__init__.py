"""A state store in a local file."""
