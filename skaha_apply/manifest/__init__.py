"""Manifests: from YAML files to projects, and back to YAML."""

from skaha_apply.manifest.loading import load

__all__ = ["load"]
