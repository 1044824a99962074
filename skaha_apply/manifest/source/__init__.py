"""YAML files as text and nodes: folders, syntax errors, comments, the place of every value."""
