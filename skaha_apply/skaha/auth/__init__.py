"""Server and credential: where they are found, renewed and masked."""
