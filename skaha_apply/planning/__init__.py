"""The core: what should exist, what changed, what follows. Pure functions; time and the world come as arguments."""
