"""From the `matrix` of a session, or the files that it names, to combinations of values."""
