"""Manifests as text: from session specs, from live sessions, and from command lines of the published clients."""
