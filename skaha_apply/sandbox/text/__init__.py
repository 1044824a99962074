"""What Java, YAML and Kubernetes make of text."""
