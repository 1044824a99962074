"""The values of a state as JSON: written, read as they were written, and read with a check of each value."""
