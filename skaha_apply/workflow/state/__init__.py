"""The state of a project: its place, its binding, and the `state` commands."""
