"""Sends notices: short messages about a project, to a command or to an address. Nothing here stops a run."""
