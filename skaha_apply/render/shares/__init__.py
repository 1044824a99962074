"""Shares as a table and as JSON."""
