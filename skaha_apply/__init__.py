"""Declarative sessions for CANFAR's Skaha API: manifests in git, a plan, an idempotent apply."""

__version__ = "0.1.0"
