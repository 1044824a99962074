"""Reads Python scripts with the syntax tree of the standard library, and carries none of them out."""
