"""Moves the state to what an observation shows."""
