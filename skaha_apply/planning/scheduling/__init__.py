"""Gates before a create: dependencies, failures, the pilot, limits."""
