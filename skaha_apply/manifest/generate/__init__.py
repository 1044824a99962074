"""Manifests out: from live sessions, and from command lines of the published clients."""
