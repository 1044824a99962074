"""Updates the state to an observation."""
