"""Find the server and the credential, renew the credential, and mask it in texts."""
