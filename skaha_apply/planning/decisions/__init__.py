"""The action of each replica, from the state alone."""
