"""Reads bash and Python scripts that create sessions, and makes entries of a manifest of them."""
