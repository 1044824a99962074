"""The names of entries and of their combinations, and the state under other names."""
