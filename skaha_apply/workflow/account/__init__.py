"""Use cases about the server and the account, with or without manifests: `doctor`, `ps`, `open`, `limits`."""
