"""What a command starts from: settings, manifests, variables, selection, adapters."""
