"""A state store in a branch of a git repository."""
