"""Requests and responses of the Skaha API."""
