"""Faults to order, and the log of requests."""
