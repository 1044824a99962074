"""The keys of a manifest: how each is read, and its part of the schema."""
