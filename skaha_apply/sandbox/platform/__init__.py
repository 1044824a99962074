"""The stand-in for Kubernetes: sessions as local processes."""
