"""Faults that tests inject, and the log of requests."""
