"""Diagnostics as text, JSON, GitHub annotations, SARIF, JUnit, GitLab."""
